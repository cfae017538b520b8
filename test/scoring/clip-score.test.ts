import assert from 'node:assert/strict';
import { tidy } from '../../src/engine';
import { type ClipFolder, loadClipModel } from '../../src/hub';
import { clipPixelValues, clipScores } from '../../src/scoring';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixturePath, jsonFixture, tensorFixture } from '../support/fixtures';
import { scoringPictures } from '../support/scoring';

const { prompts, scores } = jsonFixture<{ prompts: string[]; scores: number[] }>(
  'scoring',
  'scores.json',
);

describe('clipScores', () => {
  let folder: ClipFolder;
  before(async () => {
    folder = await loadClipModel(fixturePath('scoring', 'tiny-clip'));
  });
  after(() => {
    folder.model.parameters.dispose();
  });

  it("prepares pictures of odd sizes as transformers' processor does on PIL", () => {
    const expected = tensorFixture('scoring', 'values.safetensors');
    assertNoLeak(() => {
      scoringPictures().forEach((picture, i) => {
        tidy(() => {
          const values = clipPixelValues([picture], folder.imageProcessor);
          const { data } = expected.get(`values${i}`) ?? { data: [] };
          const label = `${picture.width}×${picture.height}`;
          assertClose(values, data as Float32Array, { rtol: 0, atol: 1e-6, label });
        });
      });
    });
  });

  it("gives transformers' cosines, in batches of any size", () => {
    for (const batchSize of [64, 7])
      assertNoLeak(() => {
        const ours = clipScores(folder, scoringPictures(), prompts, { batchSize });
        assertClose(ours, scores, { rtol: 0, atol: 1e-5 });
      });
  });

  it('refuses lists of different lengths', () => {
    assert.throws(() => clipScores(folder, scoringPictures(), []), /20 pictures .* 0 captions/);
  });
});
