import assert from 'node:assert/strict';
import { tensorCount, tidy } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { unet } from '../../src/models';
import { firstBatch } from '../../src/toyworld';
import { noiseBatch } from '../../src/training';
import { maxError } from '../support/assert';
import { fixturePath, fixtureTensor } from '../support/fixtures';
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
  prepareRun,
  type RunOptions,
  trainLikeTheOriginal,
} from '../support/oracle-run';

/** The runs of test/fixtures/oracle/README.md. */
const RUNS: Readonly<Record<string, RunOptions>> = {
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

describe('the original on a CPU', function () {
  this.timeout(120_000);
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('oracle', 'tiny-sd15'));
  });
  after(() => disposePipeline(pipeline));

  for (const [name, options] of Object.entries(RUNS))
    describe(name, () => {
      const log = oracleLog(name);
      const limit = options.useAdafactor ? LIMITS.adafactor : LIMITS.adamW;
      let run: FinishedRun;
      let tensors: number;
      before(async () => {
        tensors = tensorCount();
        run = await trainLikeTheOriginal(pipeline, options);
      });
      after(async () => {
        await run.dispose();
        assert.equal(tensorCount(), tensors, 'tensors left alive');
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

      it('moves the weights as far', () => {
        const moved = log.steps[log.steps.length - 1]?.unet_l2_from_start ?? 0;
        const ours = distanceMoved(run.policy, pipeline.unet);
        assertWithin(ours, moved, limit * moved, 'distance');
      });

      if (TRAINED.has(name))
        it('ends at its weights', () => {
          const { parameters } = run.policy;
          const error = relativeDistance(
            run.policy,
            (weight) => parameters.read(weight),
            oracleTensors(`${name}.unet_final`),
            (weight) => pipeline.unet.parameters.read(weight),
          );
          assert.ok(error <= limit, `${error} of the way is missed`);
        });
    });

  describe('dpo50, before its first step', () => {
    let start: Awaited<ReturnType<typeof prepareRun>>;
    beforeEach(async () => {
      start = await prepareRun(pipeline, { maxTrainSteps: 50 });
    });
    afterEach(() => start.dispose());

    it('shows both models the same: latents, text, noise; and predicts the same', async () => {
      const theirs = oracleTensors('dpo50.first_micro');
      const batch = await firstBatch(start.batches);
      tidy(() => {
        const { parts } = start;
        const noisy = noiseBatch(parts, batch, parts.generator);
        const { latents, noise, noisyLatents, timesteps, target: _, ...text } = noisy;
        const predicted = unet(parts.reference, noisyLatents, timesteps, text);
        const error = (numbers: Float32Array, name: string) =>
          maxError(numbers, fixtureTensor(theirs, name).data).error;
        assert.equal(error(channelsFirst(noise), 'noise'), 0);
        assert.ok(error(channelsFirst(latents), 'latents') <= 3 * 4.6e-6);
        assert.ok(error(text.encoderHiddenStates.floats(), 'encoder_hidden_states') <= 3 * 1.3e-6);
        assert.ok(error(channelsFirst(predicted), 'model_pred') <= 3 * 2.6e-6);
      });
    });

    it('has the gradient of the first step, weight by weight', async () => {
      let micros = 0;
      for await (const batch of start.batches) {
        start.microStep(batch, gradientAccumulationSteps);
        micros++;
        if (micros === gradientAccumulationSteps) break;
      }
      const { policy } = start.parts;
      const error = relativeDistance(
        policy,
        (weight) => policy.parameters.readGrad(weight),
        oracleTensors('dpo50.grads_step1'),
      );
      assert.ok(error <= 1e-4, `${error} of the gradient`);
    });
  });
});
