import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsOf, openMetrics, readMetrics, TIMING_METRICS } from '../../src/training/metrics';
import { inTemporaryFolder } from '../support/temporary';

const record = (step: number) => ({ step, train_loss: Math.sin(step), lr: 1e-5 / step });

/** Logs steps `from`…`to`, as a run would that goes on from `from` − 1. */
async function run(path: string, from: number, to: number): Promise<void> {
  const file = await openMetrics(path, { resumeAt: from - 1 });
  for (let step = from; step <= to; step++) file.log(record(step));
  file.sync();
  file.close();
}

describe('metricsOf', () => {
  it("takes the original's names, and snake_case where it has none", () => {
    const step = {
      step: 3,
      maxTrainSteps: 10,
      loss: 0.7,
      implicitAcc: 0.75,
      trainLoss: 0.69,
      implicitAccAccumulated: 0.5,
      learningRate: 1e-5,
      gradNorm: 2,
      modelMseUnaccumulated: 0.1,
      refMseUnaccumulated: 0.2,
      modelLossW: 0.3,
      gradientFactor: 0.4,
      pairsPerSecond: 5,
      secondsLeft: 6,
      tensors: 7,
      name: 'no figure',
    };
    assert.deepEqual(metricsOf(step), {
      step: 3,
      loss: 0.7,
      implicit_acc: 0.75,
      train_loss: 0.69,
      implicit_acc_accumulated: 0.5,
      lr: 1e-5,
      grad_norm: 2,
      model_mse_unaccumulated: 0.1,
      ref_mse_unaccumulated: 0.2,
      model_loss_w: 0.3,
      gradient_factor: 0.4,
      pairs_per_second: 5,
      seconds_left: 6,
      tensors: 7,
    });
    for (const name of TIMING_METRICS) assert.ok(name in metricsOf(step), name);
  });
});

describe('metrics.jsonl', () => {
  it('holds a line as soon as it is logged', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'metrics.jsonl');
      const file = await openMetrics(path);
      file.log(record(1));
      assert.equal(readFileSync(path, 'utf8'), `${JSON.stringify(record(1))}\n`);
      file.log({ step: 2, grad_norm: Number.NaN });
      assert.deepEqual(await readMetrics(path), [record(1), { step: 2, grad_norm: Number.NaN }]);
      file.close();
    }));

  it('is, byte for byte, that of a run without interruption, wherever the kill fell', () =>
    inTemporaryFolder(async (folder) => {
      const [whole, path] = [join(folder, 'whole.jsonl'), join(folder, 'metrics.jsonl')];
      await run(whole, 1, 12);
      const expected = readFileSync(whole);
      await run(path, 1, 9); // the last checkpoint is of step 5: lines 6 to 9 are void
      const interrupted = readFileSync(path);
      const line5 = interrupted.indexOf('{"step":6');
      for (let cut = line5; cut <= interrupted.length; cut++) {
        writeFileSync(path, interrupted.subarray(0, cut));
        assert.equal(
          (await readMetrics(path)).length,
          interrupted.subarray(0, cut).toString().split('\n').length - 1,
        );
        await run(path, 6, 12);
        assert.deepEqual(readFileSync(path), expected, `cut at byte ${cut}`);
      }
      assert.deepEqual(readdirSync(folder).sort(), ['metrics.jsonl', 'whole.jsonl']);
    }));

  it('starts anew where nothing is resumed', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'metrics.jsonl');
      await run(path, 1, 3);
      await run(path, 1, 2);
      assert.deepEqual(await readMetrics(path), [record(1), record(2)]);
    }));

  it('leaves out a last line that a power cut emptied, and refuses damage before it', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'metrics.jsonl');
      await run(path, 1, 2);
      appendFileSync(path, '\0\0\0\0\n');
      assert.deepEqual(await readMetrics(path), [record(1), record(2)]);
      for (const damage of ['\0\0', '[1]', 'null', '{"train_loss":1}', '{"step":1.5}']) {
        writeFileSync(path, `{"step":1}\n${damage}\n{"step":3}\n`);
        await assert.rejects(readMetrics(path), /metrics\.jsonl: line 2 is no record/, damage);
        await assert.rejects(openMetrics(path, { resumeAt: 3 }), /line 2 is no record/, damage);
      }
      await assert.rejects(readMetrics(join(folder, 'none')), /none: there is no such file/);
    }));
});
