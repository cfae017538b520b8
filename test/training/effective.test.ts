import assert from 'node:assert/strict';
import { effectiveOptions, epochs, originalStart } from '../../src/training/effective';
import { resolveTrainOptions, type TrainRequest } from '../../src/training/options';

const needed = { pretrainedModelNameOrPath: 'owner/model', datasetName: 'owner/data' } as const;
const resolved = (request: TrainRequest = {}) => resolveTrainOptions({ ...needed, ...request });
const effective = (request: TrainRequest = {}) => effectiveOptions(resolved(request));

describe('effectiveOptions', () => {
  it('multiplies batch and accumulation, and the rate where it is told to', () => {
    const launcher = { gradientAccumulationSteps: 2048, scaleLr: true };
    assert.equal(effective(launcher).totalBatchSize, 2048);
    assert.equal(effective(launcher).learningRate, 2.048e-5);
    assert.equal(effective({ ...launcher, scaleLr: false }).learningRate, 1e-8);
    // Python: 1e-4 * 3 * 7 * 1 = 0.0021000000000000003, and 1e-4 * 21 = 0.0021
    const odd = { learningRate: 1e-4, gradientAccumulationSteps: 3, trainBatchSize: 7 };
    const { totalBatchSize, learningRate } = effective({ ...odd, scaleLr: true });
    assert.deepEqual([totalBatchSize, learningRate], [21, 0.0021000000000000003]);
  });

  it('trains SDXL with Adafactor and gradient checkpointing, whatever the flags say', () => {
    const kind = (request: TrainRequest) => {
      const { optimizer, gradientCheckpointing, maxGradNorm } = effective(request);
      return [optimizer, gradientCheckpointing, maxGradNorm];
    };
    assert.deepEqual(kind({}), ['AdamW', false, 1]);
    assert.deepEqual(kind({ gradientCheckpointing: true, maxGradNorm: 2 }), ['AdamW', true, 2]);
    // The original asks the flag, not the optimizer, before it clips.
    assert.deepEqual(kind({ sdxl: true }), ['Adafactor', true, 1]);
    assert.deepEqual(kind({ useAdafactor: true }), ['Adafactor', false, undefined]);
    const paritySwitch = { adafactorClipping: 'never' } as const;
    assert.deepEqual(kind({ sdxl: true, paritySwitch }), ['Adafactor', true, undefined]);
    assert.deepEqual(kind({ paritySwitch }), ['AdamW', false, 1]);
  });

  it('computes fp16 in bf16', () => {
    const computed = (['no', 'fp16', 'bf16'] as const).map(
      (mixedPrecision) => effective({ mixedPrecision }).mixedPrecision,
    );
    assert.deepEqual(computed, ['no', 'bf16', 'bf16']);
  });

  it('knows turbo and refiner by their names, unless told', () => {
    const times = (pretrainedModelNameOrPath: string, request: TrainRequest = {}) =>
      effective({ pretrainedModelNameOrPath, ...request }).timesteps;
    assert.equal(times('stabilityai/sdxl-turbo'), 'turbo');
    assert.equal(times('stabilityai/stable-diffusion-xl-refiner-1.0'), 'refiner');
    assert.equal(times('runs/turbo/refiner'), 'refiner'); // asked for first
    assert.equal(times('runwayml/stable-diffusion-v1-5'), 'all');
    assert.equal(times('stabilityai/sdxl-turbo', { timesteps: 'all' }), 'all');
  });
});

describe('originalStart', () => {
  it('counts back from the steps as if each had all of its micro-batches', () => {
    const options = resolved({ trainBatchSize: 2, gradientAccumulationSteps: 2 });
    // 23 pairs: 11 micro-batches and 6 steps an epoch. Step 10: epoch 10 // 6, micro-batch 20 % 12.
    const starts = [0, 5, 6, 10, 12].map((step) => originalStart(options, step, 23));
    assert.deepEqual(
      starts.map(({ epoch, skip }) => [epoch, skip]),
      [
        [0, 0],
        [0, 10],
        [1, 0],
        [1, 8],
        [2, 0],
      ],
    );
    const hard = originalStart({ ...options, hardSkipResume: true }, 10, 23);
    assert.deepEqual(hard, { epoch: 1, skip: 0 });
  });
});

describe('epochs', () => {
  it('counts as the original: 23 pairs in twos are 11 batches, 6 steps of 2, the last of one', () => {
    const options = resolved({
      trainBatchSize: 2,
      gradientAccumulationSteps: 2,
      maxTrainSteps: 20,
      numTrainEpochs: 1,
    });
    const counted = { batchesPerEpoch: 11, stepsPerEpoch: 6, numTrainEpochs: 4 };
    assert.deepEqual(epochs(options, 23), counted);
  });

  it("counts the paper's run: 851293 pairs in steps of 2048", () => {
    const { stepsPerEpoch, numTrainEpochs } = epochs(
      resolved({ gradientAccumulationSteps: 2048 }),
      851_293,
    );
    assert.deepEqual([stepsPerEpoch, numTrainEpochs], [416, 5]); // 415.7 and 4.8, rounded up
  });

  it('refuses data that fill no batch', () =>
    assert.throws(() => epochs(resolved({ trainBatchSize: 24 }), 23), {
      name: 'RangeError',
      message: '--train_batch_size is 24, but there are 23 pairs.',
    }));
});
