import assert from 'node:assert/strict';
import {
  type LoopBatch,
  type LoopOptions,
  type MicroRecord,
  NotFiniteError,
  type StepRecord,
  trainingLoop,
} from '../../src/training';

const batch = (isLastOfEpoch: boolean): LoopBatch => ({
  pixelValues: new Float32Array(0),
  pixelShape: [2, 0, 0, 3],
  inputIds: new Int32Array(0),
  captions: [''],
  isLastOfEpoch,
});

/** Epochs of so many micro-batches, one after the other. */
const epochs = (...sizes: readonly number[]): LoopBatch[] =>
  sizes.flatMap((size) => Array.from({ length: size }, (_, i) => batch(i === size - 1)));

/** An optimizer that notes what it was told, and a micro-step that tells the given losses. */
function bench(losses: readonly number[], norms: readonly number[] = []) {
  const steps: { micro: number; rate: number }[] = [];
  let taken = 0;
  let sinceStep = 0;
  const optimizer: LoopOptions['optimizer'] = {
    gradNorm: () => norms[steps.length] ?? 1,
    step: (rate) => {
      steps.push({ micro: sinceStep, rate });
      sinceStep = 0;
      return 1;
    },
    zeroGrad: () => {},
  };
  const microStep = (): MicroRecord => {
    sinceStep += 1;
    const loss = losses[taken++] ?? 0;
    return { loss, implicitAcc: 1, modelLossW: loss, modelLossL: loss + 2 };
  };
  return { optimizer, microStep, steps };
}

async function all(options: LoopOptions): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for await (const record of trainingLoop(options)) records.push(record);
  return records;
}

const plan = { gradientAccumulationSteps: 2, learningRate: 1, lrSchedule: (step: number) => step };

describe('trainingLoop: when a step is taken', () => {
  it('accumulates over the end of an epoch', async () => {
    const { steps, ...parts } = bench([1, 3, 5, 7, 9, 11]);
    const records = await all({ ...plan, ...parts, batches: epochs(3, 3), maxTrainSteps: 3 });
    assert.deepEqual(
      steps.map(({ micro }) => micro),
      [2, 2, 2],
    );
    assert.deepEqual(
      records.map(({ loss, trainLoss }) => [loss, trainLoss]),
      [
        [2, 2],
        [6, 6],
        [10, 10],
      ],
    );
  });

  it('makes every micro-batch a step where an epoch had ended before, under accelerate 0.20.2', async () => {
    const options = { epochEnd: 'always after', maxTrainSteps: 2 } as const;
    const counts = async (epochsDone: number) => {
      const { steps, ...parts } = bench([1, 3, 5, 7]);
      await all({ ...plan, ...parts, ...options, batches: epochs(4), epochsDone });
      return steps.map(({ micro }) => micro);
    };
    assert.deepEqual(
      [await counts(0), await counts(1)],
      [
        [2, 2],
        [1, 1],
      ],
    );
  });

  it('takes a step with the rest of an epoch, divided by the whole accumulation', async () => {
    const { steps, ...parts } = bench([1, 3, 5, 7, 9, 11]);
    const options = { batches: epochs(3, 3), maxTrainSteps: 4, epochEnd: 'step' } as const;
    const records = await all({ ...plan, ...parts, ...options });
    assert.deepEqual(
      steps.map(({ micro }) => micro),
      [2, 1, 2, 1],
    );
    assert.equal(records[1]?.loss, 5);
    assert.equal(records[1]?.trainLoss, 2.5); // 5 / 2
    assert.equal(records[1]?.implicitAccAccumulated, 0.5);
    assert.equal(records[1]?.modelMseUnaccumulated, 6); // ½ (5 + 7)
    assert.equal(records[0]?.modelMseUnaccumulated, 4); // of the last micro-batch: ½ (3 + 5)
    assert.equal(records[0]?.refMseUnaccumulated, undefined);
  });

  it('makes every micro-batch a step once an epoch has ended, as accelerate 0.20.2 did', async () => {
    const { steps, ...parts } = bench([]);
    const options = { batches: epochs(3, 3), maxTrainSteps: 5, epochEnd: 'always after' } as const;
    await all({ ...plan, ...parts, ...options });
    assert.deepEqual(
      steps.map(({ micro }) => micro),
      [2, 1, 1, 1, 1],
    );
  });

  it('goes on counting where an earlier part of the run ended', async () => {
    const { steps, ...parts } = bench([]);
    const options = { batches: epochs(9), maxTrainSteps: 7, stepsDone: 4 };
    const records = await all({ ...plan, ...parts, ...options });
    assert.deepEqual(
      records.map(({ step }) => step),
      [5, 6, 7],
    );
    assert.deepEqual(
      steps.map(({ rate }) => rate),
      [4, 5, 6],
    );
  });

  it('says how far it came where the batches end early', async () => {
    const { steps, ...parts } = bench([]);
    await assert.rejects(
      all({ ...plan, ...parts, batches: epochs(3), maxTrainSteps: 2 }),
      /ended after 1 of 2 steps/,
    );
    assert.equal(steps.length, 1);
  });
});

describe('trainingLoop: numbers that are none', () => {
  it('stops at a loss that is NaN, the weights untouched', async () => {
    const { steps, ...parts } = bench([1, 1, 1, Number.NaN]);
    const failing = all({ ...plan, ...parts, batches: epochs(8), maxTrainSteps: 4 });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof NotFiniteError);
      assert.match(error.message, /The loss of step 2 is NaN/);
      assert.equal(error.record.modelLossW, Number.NaN);
      return true;
    });
    assert.equal(steps.length, 1);
  });

  it('stops at a gradient that is infinite, the weights untouched', async () => {
    const { steps, ...parts } = bench([1, 2, 3, 5], [1, Number.POSITIVE_INFINITY]);
    const failing = all({ ...plan, ...parts, batches: epochs(8), maxTrainSteps: 4 });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof NotFiniteError);
      assert.match(error.message, /The gradient of step 2 is Infinity/);
      assert.equal(error.record.loss, 4); // mean of 3 and 5
      return true;
    });
    assert.equal(steps.length, 1);
  });
});
