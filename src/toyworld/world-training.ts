/** How the world is trained on: one recipe for the showcase, the proof and its controls. */
import { type Batch, batches, type PreferencePairs, type Relabelling, relabel } from '../data';
import { noiseSchedule } from '../diffusion';
import type { MixedPrecision } from '../engine';
import type { UNet } from '../models';
import { PythonRandom, TorchGenerator } from '../random';
import { AdamW, dpoStep, lrSchedules, type StepRecord, sftStep, trainingLoop } from '../training';
import { PICTURE_SIZE } from './scenes';
import type { World } from './world';

/** Options of a run in the world. */
export interface WorldTraining {
  /** @default 'dpo' */
  readonly method?: 'dpo' | 'sft';
  /** Whose choice the winners are. @default 'as labelled' */
  readonly labels?: Relabelling;
  /** Of data order, prompt dropout, noise and times. @default 0 */
  readonly seed?: number;
  /** @default WORLD_RECIPE.maxTrainSteps */
  readonly maxTrainSteps?: number;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  readonly signal?: AbortSignal;
}

/** Measured for this world; SFT sees as many pictures per step as DPO: one of each of twice the pairs. */
export const WORLD_RECIPE = {
  betaDpo: 1000,
  learningRate: 1e-5,
  lrWarmupSteps: 10,
  maxTrainSteps: 200,
  trainBatchSize: 32,
  maxGradNorm: 1,
  proportionEmptyPrompts: 0,
} as const;

/** A policy being trained: records as they come, the model itself, and how to free it. */
export interface WorldRun {
  readonly policy: UNet;
  readonly records: AsyncGenerator<StepRecord, void>;
  dispose(): void;
}

/** A copy of a model with weights of its own. */
export function copyOf(model: UNet): UNet {
  const parameters = model.parameters.clone();
  return { config: model.config, parameters, p: parameters.tree() };
}

/** Where a run's numbers come from: PyTorch's generator and Python's `random`, as in the original. */
export const seeded = (seed: number) => ({
  torch: new TorchGenerator(seed),
  python: new PythonRandom(seed),
});

export interface WorldBatchOptions {
  /** Pairs in a batch. @default WORLD_RECIPE.trainBatchSize */
  readonly batchSize?: number;
  /** @default 'both' */
  readonly pictures?: 'both' | 'winner';
  /** @default Infinity */
  readonly epochs?: number;
}

/** Batches of the world's pairs. Nothing is mirrored, since a caption may say left or right. */
export function worldBatches(
  { base }: Pick<World, 'base'>,
  pairs: PreferencePairs,
  random: ReturnType<typeof seeded>,
  options: WorldBatchOptions = {},
): AsyncGenerator<Batch> {
  const { trainBatchSize: batchSize, proportionEmptyPrompts } = WORLD_RECIPE;
  const size = { resolution: PICTURE_SIZE, flip: 'none' } as const;
  const all = { batchSize, proportionEmptyPrompts, ...size, ...options };
  return batches(pairs, base.tokenizer, random, all);
}

/** The first of some batches. Throws RangeError if there is none. */
export async function firstBatch(source: AsyncIterable<Batch>): Promise<Batch> {
  for await (const batch of source) return batch;
  throw new RangeError('There is no batch.');
}

/** Sets up a run from the world's base model; nothing is computed until its records are asked for. */
export function trainOnWorld(world: World, options: WorldTraining = {}): WorldRun {
  const { method = 'dpo', labels = 'as labelled', seed = 0, signal } = options;
  const { mixedPrecision = 'no' } = options;
  const { base, trainPairs } = world;
  const maxTrainSteps = options.maxTrainSteps ?? WORLD_RECIPE.maxTrainSteps;
  const random = seeded(seed);
  const policy = copyOf(base.unet);
  const optimizer = new AdamW([policy.parameters]);
  const schedule = noiseSchedule(base.scheduler);
  const parts = { ...base, schedule, generator: random.torch, mixedPrecision };
  const { betaDpo, trainBatchSize, lrWarmupSteps } = WORLD_RECIPE;
  const records = trainingLoop({
    batches: worldBatches(world, relabel(trainPairs, labels, { seed }), random, {
      batchSize: method === 'dpo' ? trainBatchSize : 2 * trainBatchSize,
      pictures: method === 'dpo' ? 'both' : 'winner',
    }),
    microStep:
      method === 'dpo'
        ? dpoStep({ ...parts, policy, reference: base.unet, betaDpo })
        : sftStep({ ...parts, policy }),
    optimizer,
    maxTrainSteps,
    learningRate: WORLD_RECIPE.learningRate,
    lrSchedule: lrSchedules.constant_with_warmup({
      warmupSteps: lrWarmupSteps,
      trainingSteps: maxTrainSteps,
    }),
    maxGradNorm: WORLD_RECIPE.maxGradNorm,
    ...(signal ? { signal } : {}),
  });
  const dispose = () => {
    optimizer.dispose();
    policy.parameters.dispose();
  };
  return { policy, records, dispose };
}
