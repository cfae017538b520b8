import assert from 'node:assert/strict';
import { type StepRecord, type TrainRequest, train } from '../../src/training';
import { assertSameDraws, assertWithin, LIMITS } from '../support/oracle-compare';
import { oracleLog } from '../support/oracle-log';
import { trainLikeTheOriginal } from '../support/oracle-run';
import { inTemporaryFolder } from '../support/temporary';
import { request } from '../support/train-run';

const paritySwitch = { resumePosition: 'new permutation' } as const;

describe('a run resumed as the original resumes', function () {
  this.timeout(600_000);

  it('goes on with the rows, flips, prompts, noise and losses of the original, from step 10', () =>
    inTemporaryFolder(async (folder) => {
      const { fetches, micros, steps } = oracleLog('resume_leg2');
      await trainLikeTheOriginal(folder, { paritySwitch, maxTrainSteps: 10 });
      const run = await trainLikeTheOriginal(folder, { paritySwitch, maxTrainSteps: 13 });
      const trained = micros.slice(0, 5); // 2 + 1 to the end of the epoch, 2 in the next
      // it fetches the 8 micro-batches that it leaves out
      assertSameDraws(run, { micros: trained, fetches: fetches.slice(8) });
      for (const [i, { loss }] of trained.entries())
        assertWithin(run.micros[i]?.loss, loss, LIMITS.dpoLoss, `loss of micro-batch ${i}`);
      assert.equal(run.records.length, 3);
      for (const [i, { step, gradNorm, learningRate }] of run.records.entries()) {
        const norm = steps[i]?.grad_norm_preclip ?? Number.NaN;
        assert.deepEqual([step, learningRate], [11 + i, steps[i]?.lr_used]);
        assertWithin(gradNorm, norm, LIMITS.gradNorm * norm, `gradient norm of step ${step}`);
      }
    }));

  /** Resumes a finished run, and counts what it trains. */
  const resumed = (options: TrainRequest) =>
    inTemporaryFolder(async (folder) => {
      const asked = request(folder, { lrWarmupSteps: 0, ...options });
      for await (const _ of train(asked));
      let micros = 0;
      const records: StepRecord[] = [];
      const training = train(asked, { onMicroBatch: () => micros++ });
      let next = await training.next();
      for (; !next.done; next = await training.next()) records.push(next.value);
      return { micros, steps: records.map(({ step }) => step), ended: next.value.ended };
    });

  // Upstream: train.py:999, 1193: what was reached is looked at after a micro-batch, in each epoch that was planned.
  it('trains a micro-batch more where it was finished', async () => {
    const accumulated = await resumed({ paritySwitch, maxTrainSteps: 2 });
    assert.deepEqual(accumulated, { micros: 1, steps: [], ended: 'finished' });
    const each = { gradientAccumulationSteps: 1, maxTrainSteps: 2 };
    assert.deepEqual(await resumed({ ...each, paritySwitch }), {
      ...{ micros: 1, steps: [3], ended: 'finished' },
    });
    assert.deepEqual(await resumed(each), { micros: 0, steps: [], ended: 'finished before' });
  });

  it('trains nothing more where it finished at the end of an epoch', async () => {
    const options = { gradientAccumulationSteps: 11, maxTrainSteps: 1 }; // 23 pairs are 11 micro-batches
    assert.deepEqual(await resumed({ ...options, paritySwitch }), {
      ...{ micros: 0, steps: [], ended: 'finished' },
    });
  });
});
