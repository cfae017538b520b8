/** What wrong labels cost: the world's model trained on labels of which a growing share is spoilt. */
import {
  chooseWinners,
  type NoiseCounts,
  type PreferencePairs,
  type Selector,
  withLabelNoise,
} from '../data';
import { noiseSchedule } from '../diffusion';
import type { UNet } from '../models';
import { clipScores, type Interval, implicitAccuracy, type WinRate, winRate } from '../scoring';

import { drawPrompts } from './comparison';
import { judge, utility } from './judge';
import type { World } from './world';
import { seeded, trainOnWorld, WORLD_RECIPE, worldBatches } from './world-training';

export interface NoiseLabOptions {
  /** Shares of the labels that are spoilt, one training each. @default [0, 0.1, 0.2, 0.3, 0.4, 0.5] */
  readonly shares?: readonly number[];
  /**
   * `flipped`: the other picture wins; `tied`: nobody's choice, decided by a coin, as by a rule that knows no ties; `left
   * out`: nobody's choice, and not trained on. @default 'flipped'
   */
  readonly spoilt?: 'flipped' | 'tied' | 'left out';
  /** Whose labels are spoilt. @default 'as labelled' */
  readonly labels?: 'as labelled' | 'the scorer';
  /** @default WORLD_RECIPE.maxTrainSteps */
  readonly maxTrainSteps?: number;
  /** Held-out captions drawn by each model, and held-out pairs of which the reward is asked. @default 100 */
  readonly captions?: number;
  /** Of which labels are spoilt, and of the training. @default 0 */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** One training. */
export interface NoisePoint {
  readonly share: number;
  readonly counts: NoiseCounts;
  /** How often the trained model's implicit reward ranks held-out pairs as they were labelled. */
  readonly accuracy: Interval;
  /** How often its pictures beat the base's by the judge, same caption, same seed. */
  readonly judge: WinRate;
}

/** Trains once for each share, from the same base with the same seed, and yields what came of it. @throws RangeError for shares */
export async function* noiseLab(
  world: World,
  options: NoiseLabOptions = {},
): AsyncGenerator<NoisePoint, void, void> {
  const { shares = [0, 0.1, 0.2, 0.3, 0.4, 0.5], captions = 100, seed = 0 } = options;
  const prompts = world.heldoutPrompts.slice(0, captions);
  const base = worth(world, world.base.unet, prompts);
  const labelled = await labelsOf(world, options.labels);
  for (const share of shares) {
    const { data, counts } = withLabelNoise(labelled, { ...noiseOf(share, options), seed });
    yield { share, counts, ...(await trained(world, data, { prompts, base }, options)) };
  }
}

function noiseOf(share: number, { spoilt = 'flipped' }: NoiseLabOptions) {
  if (spoilt === 'flipped') return { flipped: share };
  return { tied: share, ties: spoilt === 'tied' ? ('a coin' as const) : ('left out' as const) };
}

async function labelsOf(world: World, labels: NoiseLabOptions['labels']): Promise<PreferencePairs> {
  if (labels !== 'the scorer') return world.trainPairs;
  const score: Selector['score'] = (images, prompt) =>
    clipScores(world.scorer, images, new Array<string>(images.length).fill(prompt));
  return (await chooseWinners(world.trainPairs, { name: 'scorer', score })).data;
}

/** What a model draws for each prompt is worth, by the judge. */
function worth(world: World, unet: UNet, prompts: readonly string[]): number[] {
  const images = [...drawPrompts({ ...world.base, unet }, prompts, { seed: 777_000 })].flat();
  return images.map((image, i) => utility(judge(image, prompts[i] ?? '')));
}

async function trained(
  world: World,
  trainPairs: PreferencePairs,
  held: { readonly prompts: readonly string[]; readonly base: readonly number[] },
  { maxTrainSteps, seed = 0, signal }: NoiseLabOptions,
): Promise<Pick<NoisePoint, 'accuracy' | 'judge'>> {
  const run = trainOnWorld(
    { ...world, trainPairs },
    {
      seed,
      ...(maxTrainSteps === undefined ? {} : { maxTrainSteps }),
      ...(signal ? { signal } : {}),
    },
  );
  try {
    for await (const { step } of run.records) if (step === maxTrainSteps) break;
    signal?.throwIfAborted();
    const random = seeded(seed);
    const heldout = world.heldoutPairs;
    const pairs = { ...heldout, pairs: heldout.pairs.slice(0, held.prompts.length) };
    const batchSize = Math.min(WORLD_RECIPE.trainBatchSize, pairs.pairs.length);
    const accuracy = await implicitAccuracy(
      worldBatches(world, pairs, random, { batchSize, epochs: 1 }),
      {
        ...world.base,
        policy: run.policy,
        reference: world.base.unet,
        schedule: noiseSchedule(world.base.scheduler),
        generator: random.torch,
      },
    );
    return { accuracy, judge: winRate(worth(world, run.policy, held.prompts), held.base) };
  } finally {
    run.dispose();
  }
}
