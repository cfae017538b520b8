import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import type { SeenMicroBatch, TrainRequest } from '../../src/training';
import { readMetrics } from '../../src/training/metrics';
import { maxError } from '../support/assert';
import { fixtureTensor } from '../support/fixtures';
import {
  assertMicros,
  assertSameDraws,
  assertSteps,
  assertWithin,
  distanceMoved,
  LIMITS,
  relativeDistance,
} from '../support/oracle-compare';
import { oracleLog, oracleTensors } from '../support/oracle-log';
import {
  channelsFirst,
  type FinishedRun,
  gradientAccumulationSteps,
  ORACLE_PIPELINE,
  trainLikeTheOriginal,
} from '../support/oracle-run';
import { inTemporaryFolder } from '../support/temporary';

/** The runs of test/fixtures/oracle/README.md. */
const RUNS: Readonly<Record<string, TrainRequest>> = {
  dpo50: { maxTrainSteps: 50 },
  sft10: { maxTrainSteps: 10, sft: true },
  adafactor10: { maxTrainSteps: 10, useAdafactor: true },
  cosine10: { maxTrainSteps: 10, lrScheduler: 'cosine' },
  empty05_10: { maxTrainSteps: 10, proportionEmptyPrompts: 0.5 },
  empty0_5: { maxTrainSteps: 5, proportionEmptyPrompts: 0 },
  crop5: { maxTrainSteps: 5, randomCrop: true },
  nohflip5: { maxTrainSteps: 5, noHflip: true },
  dream5: { maxTrainSteps: 5, dreamlikePairsOnly: true, trainBatchSize: 1 },
  offset5: { maxTrainSteps: 5, noiseOffset: 0.1 },
  perturb5: { maxTrainSteps: 5, inputPerturbation: 0.1 },
  workers10: { maxTrainSteps: 10, dataloaderNumWorkers: 2 },
  maxsamples5: { maxTrainSteps: 5, maxTrainSamples: 12 },
};

/** Runs of which the trained weights are kept. */
const TRAINED = new Set(['dpo50', 'sft10', 'adafactor10']);

describe('the original on a CPU', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(ORACLE_PIPELINE);
  });
  after(() => disposePipeline(pipeline));

  for (const [name, options] of Object.entries(RUNS))
    describe(name, () => {
      const log = oracleLog(name);
      const limit = options.useAdafactor ? LIMITS.adafactor : LIMITS.adamW;
      let folder = '';
      let run: FinishedRun;
      let trained: Pipeline;
      before(async () => {
        folder = mkdtempSync(join(tmpdir(), 'oracle-'));
        const tensors = tensorCount();
        run = await trainLikeTheOriginal(folder, options);
        assert.equal(tensorCount(), tensors, 'tensors left alive');
        trained = await loadPipeline(folder);
      });
      after(() => {
        disposePipeline(trained);
        rmSync(folder, { recursive: true });
      });

      it('has the same rows, flips, crops, prompts, times, noise and pixels, bit for bit', () => {
        const order = options.dataloaderNumWorkers ? 'in any order' : 'in order';
        assertSameDraws(run, log, order);
      });

      it('has its losses in every micro-batch', () => assertMicros(run.micros, log.micros));

      if (!options.sft)
        it('is at ln 2 to the last bit as long as it is', () => {
          const still = log.micros.filter(({ loss }) => loss === Math.fround(Math.LN2));
          assert.ok(still.length >= 2 * gradientAccumulationSteps); // the first step is taken at rate 0
          for (const [i, { loss }] of still.entries()) assert.equal(run.micros[i]?.loss, loss);
        });

      it('has its figures in every step', () => assertSteps(run.records, log.steps));

      it("writes them down under its names, and its rate, which is the next step's", async () => {
        const lines = await readMetrics(join(folder, 'metrics.jsonl'));
        assert.equal(lines.length, log.steps.length);
        for (const [i, step] of log.steps.entries()) {
          const record = run.records[i];
          assert.deepEqual([lines[i]?.lr, lines[i]?.lr_used], [step.lr, step.lr_used]);
          assert.equal(lines[i]?.train_loss, record?.trainLoss);
          assert.equal(lines[i]?.grad_norm, record?.gradNorm);
          assert.equal(lines[i]?.model_mse_unaccumulated, record?.modelMseUnaccumulated);
          assert.equal(lines[i]?.ref_mse_unaccumulated, record?.refMseUnaccumulated);
          assert.equal(lines[i]?.implicit_acc_accumulated, record?.implicitAccAccumulated);
        }
      });

      it('saves weights that have moved as far', () => {
        const moved = log.steps[log.steps.length - 1]?.unet_l2_from_start ?? 0;
        const ours = distanceMoved(trained.unet, pipeline.unet);
        assertWithin(ours, moved, limit * moved, 'distance');
      });

      if (TRAINED.has(name))
        it('saves its weights', () => {
          const error = relativeDistance(
            trained.unet,
            (weight) => trained.unet.parameters.read(weight),
            oracleTensors(`${name}.unet_final`),
            (weight) => pipeline.unet.parameters.read(weight),
          );
          assert.ok(error <= limit, `${error} of the way is missed`);
        });
    });

  it('shows both models what the original does, and has the gradient of its first step', () => {
    const theirs = oracleTensors('dpo50.first_micro');
    const error = (numbers: Float32Array, name: string) =>
      maxError(numbers, fixtureTensor(theirs, name).data).error;
    const errors: Record<string, number> = {};
    const look = ({ noisy, refPred, policy }: SeenMicroBatch, micro: number) => {
      if (micro === 0 && refPred) {
        errors.noise = error(channelsFirst(noisy.noise), 'noise');
        errors.latents = error(channelsFirst(noisy.latents), 'latents');
        errors.text = error(noisy.encoderHiddenStates.floats(), 'encoder_hidden_states');
        errors.prediction = error(channelsFirst(refPred), 'model_pred'); // both are one before the first step
      }
      if (micro !== gradientAccumulationSteps - 1) return;
      const gradient = (weight: string) => policy.parameters.readGrad(weight);
      errors.gradient = relativeDistance(policy, gradient, oracleTensors('dpo50.grads_step1'));
    };
    return inTemporaryFolder(async (folder) => {
      await trainLikeTheOriginal(folder, { maxTrainSteps: 1 }, look);
      const limits = { noise: 0, latents: 3 * 4.6e-6, text: 3 * 1.3e-6, prediction: 3 * 2.6e-6 };
      for (const [name, limit] of Object.entries({ ...limits, gradient: 1e-4 }))
        assert.ok((errors[name] ?? Number.NaN) <= limit, `${name}: ${errors[name]}`);
    });
  });
});
