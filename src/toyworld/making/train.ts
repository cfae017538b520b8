/** Trains any set of weights: AdamW, warm-up and cosine, moving average, checkpoints to resume from. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Parameters } from '../../engine';
import { TorchGenerator } from '../../random';
import { AdamW, type AdamWOptions } from '../../training/adamw';
import { Clock } from '../../training/clock';
import { lrSchedules } from '../../training/lr-schedule';
import { readWeightSets, type WeightSets, writeWeightSets } from './weight-sets';

export interface TrainingPlan {
  /** All weights that are trained, by a name for the checkpoint. */
  readonly weights: Readonly<Record<string, Parameters>>;
  readonly steps: number;
  /** Highest rate. */
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly optimizer: AdamWOptions;
  /** Decay of the moving average of the weights. */
  readonly emaDecay: number;
  readonly seed: number;
  /** File to save to every few minutes and to resume from. @default none */
  readonly checkpoint?: string;
  /** @default 90 */
  readonly secondsBetweenCheckpoints?: number;
  /** Adds the gradients of one batch; returns figures to report. Draws from `generator` alone. */
  readonly batch: (generator: TorchGenerator, step: number) => Readonly<Record<string, number>>;
}

/** One optimizer step of a plan. */
export interface TrainingStep {
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly secondsLeft: number;
  /** The moving averages as they stand, by the names of the plan; not to be kept. */
  readonly averages: Readonly<Record<string, Parameters>>;
}

const MAX_GRAD_NORM = 1;
/** The rate ends at this fraction of its height. */
const FINAL_RATE = 0.02;

/**
 * Trains and, at the end, leaves the moving average in the weights. Every step draws from a
 * generator of its own seed, so that a resumed run takes the steps an uninterrupted one takes.
 */
export async function* train(plan: TrainingPlan): AsyncGenerator<TrainingStep> {
  const { weights, steps, checkpoint, emaDecay, secondsBetweenCheckpoints = 90 } = plan;
  const optimizer = new AdamW(Object.values(weights), plan.optimizer);
  const averages = mapValues(weights, (w) => w.clone());
  const state = trainingState(weights, averages, optimizer);
  const first = checkpoint && existsSync(checkpoint) ? await readWeightSets(checkpoint, state) : 0;
  optimizer.resumeAt(first);
  const rate = lrSchedules.cosine({ warmupSteps: plan.warmupSteps, trainingSteps: steps });
  const clock = new Clock(steps - first);
  let saved = 0;
  for (let step = first; step < steps; step++) {
    const figures = plan.batch(new TorchGenerator(plan.seed * 1_000_003 + step), step);
    const fraction = FINAL_RATE + (1 - FINAL_RATE) * rate(step + 1);
    optimizer.step(plan.learningRate * fraction, { maxGradNorm: MAX_GRAD_NORM });
    const decay = Math.min(emaDecay, (1 + step) / (10 + step));
    for (const [name, average] of Object.entries(averages))
      average.lerp(weights[name] as Parameters, 1 - decay);
    clock.tick();
    yield { step: step + 1, steps, figures, secondsLeft: clock.secondsLeft, averages };
    if (checkpoint && clock.seconds - saved > secondsBetweenCheckpoints) {
      await writeWeightSets(checkpoint, state, step + 1);
      saved = clock.seconds;
    }
  }
  for (const [name, average] of Object.entries(averages)) {
    weights[name]?.copyFrom(average);
    average.dispose();
  }
  optimizer.dispose();
  if (checkpoint) await rm(checkpoint, { force: true });
}

/** Everything that a resumed run needs besides the step count. */
function trainingState(
  weights: Readonly<Record<string, Parameters>>,
  averages: Readonly<Record<string, Parameters>>,
  optimizer: AdamW,
): WeightSets {
  const sets: Record<string, Parameters> = {};
  Object.keys(weights).forEach((name, i) => {
    const moments = optimizer.moments[i];
    sets[name] = weights[name] as Parameters;
    sets[`${name}/average`] = averages[name] as Parameters;
    if (moments) sets[`${name}/m`] = moments.m;
    if (moments) sets[`${name}/v`] = moments.v;
  });
  return sets;
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, fn: (value: A) => B) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, fn(value)]));
}
