import assert from 'node:assert/strict';
import type { RgbImage } from '../../src/data/image';
import {
  centerCrop,
  crop,
  drawPlacement,
  enlarge,
  flipHorizontal,
  place,
  placedSizes,
  resizeShorterSide,
  shorterSideSize,
} from '../../src/data/transforms';
import { TorchGenerator } from '../../src/random';
import { jsonFixture } from '../support/fixtures';

interface Sizes {
  readonly shorterSide: { size: [number, number]; shorter: number; to: [number, number] }[];
  readonly centerCrop512: { width: number; left: number }[];
}

const fixture = jsonFixture<Sizes>('data', 'resize.json');

/** A picture whose red is its column and whose green is its row. */
function ruler(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 9], i * 3);
  return { width, height, data };
}

const reds = ({ data }: RgbImage) => [...data].filter((_, i) => i % 3 === 0);
const greens = ({ data }: RgbImage) => [...data].filter((_, i) => i % 3 === 1);

describe('shorterSideSize', () => {
  it("gives torchvision's Resize size: the shorter side exact, the longer cut to an integer", () => {
    for (const { size, shorter, to } of fixture.shorterSide) {
      const [width, height] = size;
      const out = shorterSideSize({ width, height }, shorter);
      assert.deepEqual([out.width, out.height], to);
    }
  });

  it('is the size that resizeShorterSide returns', () => {
    const { width, height } = resizeShorterSide(ruler(7, 9), 5);
    assert.deepEqual([width, height], [5, 6]); // int(5 · 9 / 7) = int(6.43)
  });
});

describe('placedSizes', () => {
  it('keeps the size before, and counts the corner from the left of what is seen', () => {
    const resized = resizeShorterSide(ruler(20, 10), 5); // 10 × 5
    const at = (flipped: boolean) => placedSizes(resized, { left: 1, top: 0, flipped }, 5);
    assert.deepEqual(at(false), { originalSize: [10, 20], cropsCoordsTopLeft: [0, 1] });
    assert.deepEqual(at(true).cropsCoordsTopLeft, [0, 4]); // 10 − 5 − 1
    const mirrored = flipHorizontal(resized);
    const seen = place(resized, { left: 1, top: 0, flipped: true }, 5);
    assert.deepEqual(seen, crop(mirrored, { left: 4, top: 0, width: 5, height: 5 }));
  });
});

describe('centerCrop', () => {
  it("cuts at torchvision's offsets, halves rounded to even", () => {
    for (const { width, left } of fixture.centerCrop512) {
      const image = { width, height: 512, data: new Uint8Array(width * 512 * 3) };
      image.data[left * 3] = 200; // marks the first pixel that stays
      assert.equal(centerCrop(image, 512).data[0], 200, `width ${width}`);
    }
  });

  it('refuses a square that does not fit', () => {
    assert.throws(() => centerCrop(ruler(4, 6), 5), /not inside a 4×6 picture/);
  });
});

describe('crop', () => {
  it('keeps rows and columns apart', () => {
    const out = crop(ruler(5, 4), { left: 2, top: 1, width: 2, height: 3 });
    assert.deepEqual(reds(out), [2, 3, 2, 3, 2, 3]);
    assert.deepEqual(greens(out), [1, 1, 2, 2, 3, 3]);
  });
});

describe('flipHorizontal', () => {
  it('mirrors columns and leaves rows', () => {
    const out = flipHorizontal(ruler(3, 2));
    assert.deepEqual(reds(out), [2, 1, 0, 2, 1, 0]);
    assert.deepEqual(greens(out), [0, 0, 0, 1, 1, 1]);
  });
});

describe('enlarge', () => {
  it('repeats each pixel and invents no colour', () => {
    const out = enlarge(ruler(2, 2), 2);
    assert.deepEqual([out.width, out.height], [4, 4]);
    assert.deepEqual(reds(out), [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
    assert.deepEqual(greens(out), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('refuses half a pixel', () => {
    assert.throws(() => enlarge(ruler(2, 2), 1.5), /whole number/);
  });
});

describe('drawPlacement', () => {
  const words = (n: number) => {
    const generator = new TorchGenerator(5);
    generator.rand(n);
    return generator.rand(1)[0];
  };
  const drawn = (image: RgbImage, options: Parameters<typeof drawPlacement>[2]) => {
    const generator = new TorchGenerator(5);
    const placement = drawPlacement(image, generator, options);
    return { placement, next: generator.rand(1)[0] };
  };

  it('draws top, left and flip, three words', () => {
    const { placement, next } = drawn(ruler(4, 9), { resolution: 4, crop: 'random' });
    const generator = new TorchGenerator(5);
    const top = generator.randint(0, 6, 1)[0];
    assert.equal(generator.randint(0, 1, 1)[0], 0);
    const flipped = (generator.rand(1)[0] as number) < 0.5;
    assert.deepEqual(placement, { left: 0, top, flipped });
    assert.equal(next, words(3));
  });

  it('draws no offset for an exact square, and no flip when there is none', () => {
    assert.equal(drawn(ruler(4, 4), { resolution: 4, crop: 'random' }).next, words(1));
    assert.equal(drawn(ruler(4, 9), { resolution: 4 }).next, words(1));
    assert.equal(drawn(ruler(4, 9), { resolution: 4, flip: 'none' }).next, words(0));
  });

  it('is carried out by place: cut, then mirrored', () => {
    const out = place(ruler(6, 6), { left: 1, top: 2, flipped: true }, 3);
    assert.deepEqual(reds(out), [3, 2, 1, 3, 2, 1, 3, 2, 1]);
    assert.deepEqual(greens(out), [2, 2, 2, 3, 3, 3, 4, 4, 4]);
  });
});
