import assert from 'node:assert/strict';
import { tidy } from '../../src/engine';
import { longestSideValues } from '../../src/scoring/longest-side';
import { assertClose, assertNoLeak } from '../support/assert';
import { tensorFixture } from '../support/fixtures';
import { selectorPictures } from '../support/scoring';

const OPENAI = {
  size: 12,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

describe('longestSideValues', () => {
  for (const torchvision of ['current', 'before 0.17'] as const)
    it(`prepares pictures of all sizes and modes as hpsv2 does, torchvision ${torchvision}`, async () => {
      const pictures = await selectorPictures();
      const stored = tensorFixture('scoring', 'longest-side.safetensors').get(torchvision);
      const data = stored?.data as Float32Array;
      const each = 12 * 12 * 3;
      assertNoLeak(() => {
        pictures.forEach((picture, i) => {
          tidy(() => {
            const values = longestSideValues([picture], { ...OPENAI, torchvision });
            const expected = data.subarray(i * each, (i + 1) * each);
            const label = `${i}: ${picture.width}×${picture.height}`;
            assertClose(values, expected, { rtol: 0, atol: 1e-6, label });
          });
        });
      });
    });

  it('pads a picture that is as long as the square already, and refuses one that would vanish', () => {
    const grey = (width: number, height: number) => ({
      ...{ width, height },
      data: new Uint8Array(width * height * 3).fill(51),
    });
    tidy(() => {
      const plain = { size: 4, mean: [0, 0, 0], std: [1, 1, 1] };
      const values = longestSideValues([grey(4, 1)], plain).dataSync();
      const rows = [0, 1, 2, 3].map((y) => values[y * 12] ?? 0);
      assertClose(rows, [0, 0.2, 0, 0]); // one row above, two below
      assert.throws(() => longestSideValues([grey(100, 1)], plain), /100×1 pixels is too thin/);
    });
  });
});
