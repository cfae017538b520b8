import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { tensorCount, type WeightShape } from '../../src/engine';
import { CheckpointError } from '../../src/hub/checkpoint-error';
import { writeSafetensors } from '../../src/hub/safetensors-writer';
import { openWeightFiles } from '../../src/hub/weight-files';
import { loadWeights } from '../../src/hub/weights';
import { inTemporaryFolder } from '../support/temporary';

const WEIGHTS: readonly WeightShape[] = [
  ['first', [3, 4]],
  ['second', [20, 5, 3, 3]],
];

describe('loadWeights', () => {
  it('names a file that becomes shorter meanwhile, and keeps nothing', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      await writeSafetensors(
        path,
        WEIGHTS.map(([name, shape]) => {
          const count = shape.reduce((n, d) => n * d, 1);
          return { name, shape, dtype: 'F32', data: new Float32Array(count).fill(1) };
        }),
      );
      const files = await openWeightFiles(folder, 'model');
      await truncate(path, 1200);
      const before = tensorCount();
      await assert.rejects(
        loadWeights(files, WEIGHTS, () => []),
        (error: Error) => {
          assert.ok(error instanceof CheckpointError);
          assert.match(error.message, /model\.safetensors.*ended while it was being read/s);
          return true;
        },
      );
      assert.equal(tensorCount(), before);
      await files.close();
    }));
});
