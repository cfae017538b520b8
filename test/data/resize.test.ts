import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeImage, type RgbImage } from '../../src/data/image';
import { type ResizeFilter, resize } from '../../src/data/resize';
import { fixturePath, jsonFixture } from '../support/fixtures';

interface Case {
  readonly file?: string;
  readonly from: [number, number];
  readonly to: [number, number];
  readonly filter: ResizeFilter;
  readonly pillow?: 'before 13';
  readonly sha256: string;
}

const { resizes } = jsonFixture<{ resizes: Case[] }>('data', 'resize.json');
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** The generator script's formula: byte i is (37 i + ⌊i / 7⌋) mod 256. */
function arithmetic([width, height]: [number, number]): RgbImage {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (37 * i + Math.floor(i / 7)) % 256,
  );
  return { width, height, data };
}

describe('resize', () => {
  it("equals Pillow's bytes in 48 cases: up, down, one side only, clipped, both orders of the two passes", async () => {
    assert.equal(resizes.length, 48);
    for (const { file, from, to, filter, pillow, sha256: expected } of resizes) {
      const image = file
        ? await decodeImage(readFileSync(fixturePath('data', 'pictures', file)))
        : arithmetic(from);
      const out = resize(image, ...to, { filter, pillow });
      assert.equal(sha256(out.data), expected, `${filter} ${from.join('×')} → ${to.join('×')}`);
      assert.deepEqual([out.width, out.height], to);
    }
  });

  it('weighs three neighbours 3 : 3 : 1 when a bilinear row of four is halved', () => {
    // Tent of half-width 2 at 4 → 2: output 0 weighs inputs 0, 1, 2 by ¾, ¾, ¼ (edge cut), so 3, 3, 1 sevenths.
    const row = [0, 70, 140, 210].flatMap((v) => [v, v, v]);
    const { data } = resize({ width: 4, height: 1, data: Uint8Array.from(row) }, 2, 1);
    assert.deepEqual([...data], [50, 50, 50, 160, 160, 160]); // (3·0 + 3·70 + 140) / 7 = 50
  });

  it('refuses a size that is no positive integer', () => {
    for (const size of [0, -3, 2.5, Number.NaN]) {
      assert.throws(() => resize(arithmetic([3, 3]), size, 4), RangeError);
    }
  });
});
