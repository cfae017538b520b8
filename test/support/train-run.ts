/** Small training runs on the tiny pipeline and the original's tiny data. */
import {
  type StepRecord,
  type TrainHooks,
  type TrainRequest,
  type TrainResult,
  train,
} from '../../src/training';
import { fixturePath } from './fixtures';

export const request = (outputDir: string, rest: TrainRequest = {}): TrainRequest => ({
  pretrainedModelNameOrPath: fixturePath('pipelines', 'tiny-sd'),
  datasetName: fixturePath('oracle', 'pickapic_tiny'),
  outputDir,
  resolution: 16,
  trainBatchSize: 2,
  gradientAccumulationSteps: 2,
  learningRate: 1e-3,
  lrWarmupSteps: 2,
  maxTrainSteps: 6,
  seed: 7,
  mixedPrecision: 'no',
  reportTo: 'none',
  ...rest,
});

export interface Run {
  readonly records: readonly StepRecord[];
  readonly result: TrainResult | undefined;
  readonly notes: readonly string[];
}

/** Runs to the end, or leaves the loop after `leaveAfter` records. */
export async function run(
  asked: TrainRequest,
  hooks: TrainHooks = {},
  leaveAfter = Infinity,
): Promise<Run> {
  const notes: string[] = [];
  const records: StepRecord[] = [];
  const training = train(asked, { note: (sentence) => notes.push(sentence), ...hooks });
  for (;;) {
    const next = await training.next();
    if (next.done) return { records, result: next.value, notes };
    records.push(next.value);
    if (records.length < leaveAfter) continue;
    await training.return(undefined as never);
    return { records, result: undefined, notes };
  }
}
