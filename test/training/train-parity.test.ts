import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../src/hub';
import { readJson } from '../../src/hub/json-file';
import type { TrainRequest } from '../../src/training';
import { readMetrics } from '../../src/training/metrics';
import { inTemporaryFolder } from '../support/temporary';
import { request, run } from '../support/train-run';

describe('train: parity', () => {
  it('writes down what the original does: the rate of the next step, errors of the last micro-batch', () =>
    inTemporaryFolder(async (folder) => {
      const told = async (parity: 'repo' | 'fixed') => {
        const outputDir = join(folder, parity);
        await run(request(outputDir, { parity, maxTrainSteps: 2 }));
        return (await readMetrics(join(outputDir, 'metrics.jsonl')))[0] ?? { step: 0 };
      };
      const [repo, fixed] = [await told('repo'), await told('fixed')];
      assert.deepEqual([repo.lr, repo.lr_used], [0.5e-3, 0]);
      assert.deepEqual([fixed.lr, fixed.lr_used], [0, 0]);
      assert.equal(repo.model_mse, undefined);
      assert.equal(
        fixed.model_mse,
        0.5 * (Number(fixed.model_loss_w) + Number(fixed.model_loss_l)),
      );
      assert.notEqual(fixed.model_mse, fixed.model_mse_unaccumulated);
      assert.deepEqual([repo.implicit_acc, fixed.implicit_acc], [0, 0.5]);
    }));

  it('saves the frozen encoders in the type they were computed in, or as they were read', () =>
    inTemporaryFolder(async (folder) => {
      const dtypes = async (parity: 'repo' | 'fixed') => {
        const outputDir = join(folder, parity);
        await run(request(outputDir, { parity, maxTrainSteps: 1, mixedPrecision: 'bf16' }));
        const parts = [
          ['unet', 'diffusion_pytorch_model'],
          ['vae', 'diffusion_pytorch_model'],
          ['text_encoder', 'model'],
        ];
        return Promise.all(
          parts.map(async ([part = '', stem = '']) => {
            const file = await openSafetensors(join(outputDir, part, `${stem}.safetensors`));
            await file.close();
            return [...file.entries.values()][0]?.dtype;
          }),
        );
      };
      assert.deepEqual(await dtypes('repo'), ['F32', 'BF16', 'BF16']);
      assert.deepEqual(await dtypes('fixed'), ['F32', 'F32', 'F32']);
    }));

  it('trains one more micro-batch of each epoch left, where the original does', () =>
    inTemporaryFolder(async (folder) => {
      const options: TrainRequest = { parity: 'repo', accelerate0202Accumulation: true };
      // 23 pairs: 11 micro-batches, 6 steps planned an epoch. Steps 1 to 6 in the first; each micro-batch of the
      // second is one, to 13; a third epoch was planned and gives the 14th.
      const { records } = await run(request(folder, { ...options, maxTrainSteps: 13 }));
      assert.deepEqual(records.map(({ step }) => step).slice(-2), [13, 14]);
    }));
});

describe('train: winners by a scorer', () => {
  it('asks the embedded scorer, and says how it agrees with the labels', () =>
    inTemporaryFolder(async (folder) => {
      const { notes } = await run(request(folder, { choiceModel: 'embedded', maxTrainSteps: 1 }));
      assert.match(
        notes.join(),
        /embedded agrees with [\d.]+ % of 23 labels \(κ [-\d.]+\), \d+ flips, 0 ties kept.*people↓ scorer→/s,
      );
      const { selector, pairs, matrix } = await readJson(join(folder, 'choice.json'));
      assert.deepEqual(Object.keys(Object(selector)), ['name', 'revision', 'hash']);
      const decided = (matrix as number[][]).filter((_, label) => label !== 1).flat();
      assert.deepEqual([pairs, decided.reduce((a, b) => a + b)], [23, 23]);
      const scores = readFileSync(join(folder, 'choice-scores.txt'), 'utf8').split('\n');
      assert.ok(scores.length > 23, `${scores.length} lines`);
    }));
});
