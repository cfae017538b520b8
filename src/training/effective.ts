/** Numbers of a run that follow from several options together. Upstream: train.py `main`. */
import type { MixedPrecision } from '../engine';
import type { TrainOptions } from './options';
import { switchesOf } from './parity';

/** What is computed with, where that can differ from the flag of the same name. */
export interface EffectiveOptions {
  /** Pairs in an optimizer step. */
  readonly totalBatchSize: number;
  /** After `--scale_lr`. */
  readonly learningRate: number;
  readonly optimizer: 'AdamW' | 'Adafactor';
  /** undefined: the gradient is not clipped by its norm. */
  readonly maxGradNorm: number | undefined;
  readonly gradientCheckpointing: boolean;
  readonly mixedPrecision: MixedPrecision;
  readonly timesteps: 'all' | 'turbo' | 'refiner';
}

/** One process trains here. */
export const NUM_PROCESSES = 1;

/**
 * The original clips unless `--use_adafactor` is given, so also where `--sdxl` alone brings Adafactor (train.py 667 and
 * 1163); fp16 is computed in bf16.
 */
export function effectiveOptions(options: TrainOptions): EffectiveOptions {
  const { learningRate, gradientAccumulationSteps, trainBatchSize, sdxl, useAdafactor } = options;
  const factors = [gradientAccumulationSteps, trainBatchSize, NUM_PROCESSES];
  const times = (x: number, factor: number) => x * factor; // in the original's order: rounding is part of the number
  const optimizer = useAdafactor || sdxl ? 'Adafactor' : 'AdamW';
  const neverClips = optimizer === 'Adafactor' && switchesOf(options).adafactorClipping === 'never';
  return {
    totalBatchSize: factors.reduce(times),
    learningRate: options.scaleLr ? factors.reduce(times, learningRate) : learningRate,
    optimizer,
    maxGradNorm: useAdafactor || neverClips ? undefined : options.maxGradNorm,
    gradientCheckpointing: options.gradientCheckpointing || sdxl,
    mixedPrecision: options.mixedPrecision === 'fp16' ? 'bf16' : options.mixedPrecision,
    timesteps: options.timesteps === 'auto' ? timestepsOf(options) : options.timesteps,
  };
}

/** The original decides by a part of the model's name or path, "refiner" before "turbo". */
function timestepsOf({ pretrainedModelNameOrPath: name }: TrainOptions) {
  return (['refiner', 'turbo'] as const).find((part) => name.includes(part)) ?? 'all';
}

/** How often a run goes through its data. */
export interface Epochs {
  /** Micro-batches in an epoch; an incomplete one is dropped. */
  readonly batchesPerEpoch: number;
  readonly stepsPerEpoch: number;
  /** Recomputed from the steps, as the original always does. */
  readonly numTrainEpochs: number;
}

/**
 * Every epoch ends with a step, also where fewer micro-batches are left than a step accumulates.
 * @param pairs in the data set, after filters
 * @throws RangeError if they do not fill one micro-batch
 */
export function epochs(options: TrainOptions, pairs: number): Epochs {
  const { trainBatchSize, gradientAccumulationSteps, maxTrainSteps } = options;
  const batchesPerEpoch = Math.floor(pairs / trainBatchSize);
  if (batchesPerEpoch === 0)
    throw new RangeError(`--train_batch_size is ${trainBatchSize}, but there are ${pairs} pairs.`);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / gradientAccumulationSteps);
  return {
    batchesPerEpoch,
    stepsPerEpoch,
    numTrainEpochs: Math.ceil(maxTrainSteps / stepsPerEpoch),
  };
}

/** Where the original goes on, in a new order of the rows: an epoch, and the micro-batches of it that it leaves out. */
export interface OriginalStart {
  readonly epoch: number;
  readonly skip: number;
}

/**
 * It counts as if every step, also the last of an epoch, had all of its micro-batches. Upstream: train.py:985–988.
 * @param step optimizer steps taken
 * @param pairs in the data set, after filters
 */
export function originalStart(options: TrainOptions, step: number, pairs: number): OriginalStart {
  const { stepsPerEpoch } = epochs(options, pairs);
  const skip = (step % stepsPerEpoch) * options.gradientAccumulationSteps;
  return { epoch: Math.floor(step / stepsPerEpoch), skip: options.hardSkipResume ? 0 : skip };
}
