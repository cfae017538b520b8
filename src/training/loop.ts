import { setImmediate } from 'node:timers/promises';
import { tensorCount } from '../engine';
import type { AdamW } from './adamw';
import { Clock } from './clock';
import { type LrSchedule, lrSchedules } from './lr-schedule';
import type { PairBatch } from './noising';
import { type MicroRecord, type MicroStep, meanRecord, type StepRecord } from './record';

export interface LoopOptions {
  /** Micro-batches, without end or at least as many as the run needs. */
  readonly batches: AsyncIterable<PairBatch> | Iterable<PairBatch>;
  /** `dpoStep(…)` or `sftStep(…)`: what one micro-batch does. */
  readonly microStep: MicroStep;
  readonly optimizer: AdamW;
  /** Optimizer steps. */
  readonly maxTrainSteps: number;
  /** @default 1 */
  readonly gradientAccumulationSteps?: number;
  /** @default 1e-8 (the original's, to be scaled by the batch: see its launchers) */
  readonly learningRate?: number;
  /** Factor on the rate. @default constant with 500 steps of warm-up */
  readonly lrSchedule?: LrSchedule;
  /** @default 1 */
  readonly maxGradNorm?: number;
  /** Ends the loop between micro-batches. */
  readonly signal?: AbortSignal;
}

/**
 * Trains, and yields one record after every optimizer step; the caller shows, stores or stops.
 *
 * It gives other work a turn after every micro-batch. Stopped (by `signal`, `break` or an error)
 * it leaves the weights as the last finished step made them.
 */
export async function* trainingLoop(options: LoopOptions): AsyncGenerator<StepRecord, void> {
  const { batches, microStep, optimizer, maxTrainSteps, signal } = options;
  const { gradientAccumulationSteps = 1, learningRate = 1e-8, maxGradNorm = 1 } = options;
  const schedule = options.lrSchedule ?? defaultSchedule(maxTrainSteps);
  const clock = new Clock(maxTrainSteps);
  let micro: MicroRecord[] = [];
  let pairs = 0;
  let step = 0;
  optimizer.zeroGrad();
  try {
    for await (const batch of batches) {
      if (signal?.aborted || step >= maxTrainSteps) return;
      micro.push(microStep(batch, gradientAccumulationSteps));
      pairs += batch.captions.length;
      await setImmediate();
      if (micro.length < gradientAccumulationSteps) continue;

      const rate = learningRate * schedule(step);
      const gradNorm = optimizer.step(rate, { maxGradNorm });
      step += 1;
      clock.tick();
      yield {
        step,
        maxTrainSteps,
        ...meanRecord(micro),
        gradNorm,
        learningRate: rate,
        pairsPerSecond: pairs / clock.seconds,
        secondsLeft: clock.secondsLeft,
        tensors: tensorCount(),
      };
      micro = [];
      if (step >= maxTrainSteps) return;
    }
    if (step < maxTrainSteps && !signal?.aborted)
      throw new RangeError(`The batches ended after ${step} of ${maxTrainSteps} steps.`);
  } finally {
    optimizer.zeroGrad(); // drops the gradient of a step that was cut short
  }
}

const defaultSchedule = (trainingSteps: number) =>
  lrSchedules.constant_with_warmup({ warmupSteps: 500, trainingSteps });
