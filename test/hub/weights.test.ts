import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineInfo, tensorCount, type WeightShape } from '../../src/engine';
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
          if (engineInfo().kernels === 'fused') assert.match(error.message, /weight "second"/);
          return true;
        },
      );
      assert.equal(tensorCount(), before);
      await files.close();
    }));

  it('reads several files, and weights of more than one stretch', () =>
    inTemporaryFolder(async (folder) => {
      const weights = Array.from({ length: 8 }, (_, i): WeightShape => [`w${i}`, [1, 400_000 + i]]);
      const numbers = ([, [, n = 0]]: WeightShape) =>
        Float32Array.from({ length: n }, (_, j) => n + j / 2 ** 20);
      const shards = ['a.safetensors', 'b.safetensors'];
      for (const [k, shard] of shards.entries())
        await writeSafetensors(
          join(folder, shard),
          weights
            .filter((_, i) => i % 2 === k)
            .map((weight) => {
              const [name, shape] = weight;
              return { name, shape, dtype: 'F32' as const, data: numbers(weight) };
            }),
        );
      const map = Object.fromEntries(weights.map(([name], i) => [name, shards[i % 2]]));
      const index = join(folder, 'model.safetensors.index.json');
      await writeFile(index, JSON.stringify({ weight_map: map }));
      const files = await openWeightFiles(folder, 'model');
      const loaded = await loadWeights(files, weights, () => []);
      for (const weight of weights) assert.deepEqual(loaded.read(weight[0]), numbers(weight));
      loaded.dispose();
      await files.close();
    }));
});
