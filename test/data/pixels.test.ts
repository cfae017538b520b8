import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { imagesFromPixelValues, pixelValues } from '../../src/data/pixels';
import { fixturePath, jsonFixture } from '../support/fixtures';

interface Pixels {
  readonly pixelValuesSha256: string;
  readonly linspace: { values: string; bytesSha256: string };
}

const { pixelValuesSha256, linspace } = jsonFixture<Pixels>('data', 'resize.json');
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** A picture of one grey pixel. */
const grey = (byte: number) => ({ width: 1, height: 1, data: Uint8Array.of(byte, byte, byte) });
const all = Array.from({ length: 256 }, (_, byte) => grey(byte));

describe('pixelValues', () => {
  it("is torch's ToTensor and Normalize(0.5, 0.5) for every byte, bit for bit", () => {
    const firsts = pixelValues(all).filter((_, i) => i % 3 === 0);
    assert.equal(sha256(new Uint8Array(firsts.buffer)), pixelValuesSha256);
    assert.deepEqual([firsts[0], firsts[255]], [-1, 1]);
  });

  it('keeps pictures one after another, rows and channels inside', () => {
    const image = { width: 1, height: 2, data: Uint8Array.of(0, 255, 0, 255, 255, 0) };
    assert.deepEqual([...pixelValues([image, image])].slice(0, 8), [-1, 1, -1, 1, 1, -1, -1, 1]);
  });

  it('refuses pictures of different sizes, and none', () => {
    const wide = { width: 2, height: 1, data: new Uint8Array(6) };
    assert.throws(() => pixelValues([grey(1), wide]), /Picture 1 is 2×1, the first is 1×1/);
    assert.throws(() => pixelValues([]), RangeError);
  });
});

describe('imagesFromPixelValues', () => {
  it("equals diffusers' rounding over [−1.2, 1.2], clipped at both ends", () => {
    const file = readFileSync(fixturePath('data', linspace.values));
    const values = new Float32Array(
      file.buffer.slice(file.byteOffset, file.byteOffset + file.length),
    );
    const [image] = imagesFromPixelValues(values, { width: 64, height: 50 });
    assert.equal(sha256(image?.data ?? new Uint8Array()), linspace.bytesSha256);
  });

  it('rounds halves to even, as numpy does', () => {
    // In float32, −0.49411762 / 2 + ½ times 255 is 64.5, and the last gives 65.5.
    const values = Float32Array.of(-0.4941176176071167, 0, -0.48627448081970215);
    const [image] = imagesFromPixelValues(values, { width: 1, height: 1 });
    assert.deepEqual([...(image?.data ?? [])], [64, 128, 66]);
  });

  it('undoes pixelValues for every byte', () => {
    const back = imagesFromPixelValues(pixelValues(all), { width: 1, height: 1 });
    assert.deepEqual(back, all);
  });

  it('refuses NaN and a length that is no whole number of pictures', () => {
    const size = { width: 1, height: 1 };
    assert.throws(() => imagesFromPixelValues(Float32Array.of(0, Number.NaN, 0), size), /NaN/);
    assert.throws(() => imagesFromPixelValues(new Float32Array(4), size), /no whole number/);
  });
});
