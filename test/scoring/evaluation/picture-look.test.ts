import assert from 'node:assert/strict';
import { copiesAmong } from '../../../src/scoring/evaluation/copies';
import { differenceHash, hashDistance, look } from '../../../src/scoring/evaluation/picture-look';
import { seenIn } from '../../../src/scoring/evaluation/score-pictures';
import { assertClose } from '../../support/assert';

/** Pixels of one row. */
const row = (...pixels: readonly (readonly [number, number, number])[]) => ({
  width: pixels.length,
  height: 1,
  data: Uint8Array.from(pixels.flat()),
});

describe('look', () => {
  it('has the colourfulness of Hasler and Süsstrunk', () => {
    // rg: 255, −255; yb: 127.5, 127.5 → σ_rg 255, σ_yb 0, means 0 and 127.5
    assertClose(look(row([255, 0, 0], [0, 255, 0])).colourfulness, 255 + 0.3 * 127.5);
    // rg: 0, 0; yb: −255, 0 → σ_yb 127.5, mean −127.5
    assertClose(look(row([0, 0, 255], [9, 9, 9])).colourfulness, 127.5 * 1.3);
    assert.equal(look(row([9, 9, 9], [80, 80, 80])).colourfulness, 0);
  });

  it('has contrast and brightness of the luma', () => {
    const { contrast, brightness } = look(row([0, 0, 0], [255, 255, 255]));
    assertClose([contrast, brightness], [0.5, 0.5]);
    assertClose(look(row([255, 0, 0], [255, 0, 0])).brightness, 0.299);
    assertClose(look(row([0, 255, 0], [0, 255, 0])).brightness, 0.587);
  });

  it('has the variance of the Laplacian, mirrored beyond the edge', () => {
    // 0 0 9: left 0 + 0 − 0, middle 0 + 9 − 0, right 0 + 0 − 18; above and below are the pixel itself
    const values = [0, 9, -18];
    const mean = -3;
    const expected = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3;
    assertClose(look(row([0, 0, 0], [0, 0, 0], [9, 9, 9])).sharpness, expected);
  });
});

describe('differenceHash', () => {
  const picture = (of: (x: number, y: number) => number) => ({
    ...{ width: 9, height: 8 },
    data: Uint8Array.from({ length: 9 * 8 * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return of(pixel % 9, Math.floor(pixel / 9));
    }),
  });

  it('has a bit for each pixel that is brighter than its right neighbour', () => {
    assert.equal(differenceHash(picture((x) => 200 - 20 * x)), 'ffffffffffffffff');
    assert.equal(differenceHash(picture((x) => 20 * x)), '0000000000000000');
    assert.equal(
      differenceHash(picture((x, y) => (x === 0 && y === 0 ? 9 : 0))),
      '8000000000000000',
    );
    const last = picture((x, y) => (x === 7 && y === 7 ? 9 : 0));
    assert.equal(differenceHash(last), '0000000000000001');
  });

  it('is told apart by the bits that differ', () => {
    assert.equal(hashDistance('ffffffffffffffff', '0000000000000000'), 64);
    assert.equal(hashDistance('8000000000000001', '0000000000000003'), 2);
    assert.equal(hashDistance('80000000ffffffff', '80000000ffffffff'), 0);
  });

  it('finds copies, and pictures that are nearly one', () => {
    const slope = picture((x) => 200 - 20 * x);
    const brighter = picture((x) => 210 - 20 * x);
    const other = picture((x) => 20 * x);
    const drawn = [slope, brighter, other].map(seenIn);
    assert.deepEqual(copiesAmong(drawn, [seenIn(slope)]), {
      ...{ trainingPictures: 1, exact: 1, near: 2, distance: 2 },
    });
  });
});
