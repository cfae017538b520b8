import { setImmediate } from 'node:timers/promises';
import { tensorCount } from '../engine';
import type { AdamW } from './adamw';
import { Clock } from './clock';
import { type LrSchedule, lrSchedules } from './lr-schedule';
import type { PairBatch } from './noising';
import { NotFiniteError } from './not-finite';
import { type MicroRecord, type MicroStep, meanRecord, type StepRecord } from './record';

/** A micro-batch, its epoch from 0, and whether it is its epoch's last. */
export type LoopBatch = PairBatch & { readonly epoch?: number; readonly isLastOfEpoch?: boolean };

/** What the loop asks of an optimizer. */
export type LoopOptimizer = Pick<AdamW, 'gradNorm' | 'step' | 'zeroGrad'>;

export interface LoopOptions {
  /** Micro-batches, without end or at least as many as the run needs. */
  readonly batches: AsyncIterable<LoopBatch> | Iterable<LoopBatch>;
  /** `dpoStep(…)` or `sftStep(…)`: what one micro-batch does. */
  readonly microStep: MicroStep;
  readonly optimizer: LoopOptimizer;
  /** Optimizer steps. */
  readonly maxTrainSteps: number;
  /** Steps that an earlier part of the run took. @default 0 */
  readonly stepsDone?: number;
  /** Epochs that an earlier part of the run ended. @default 0 */
  readonly epochsDone?: number;
  /** @default 1 */
  readonly gradientAccumulationSteps?: number;
  /**
   * When an epoch ends between two steps: `carry on` accumulates over its end; `step` takes a step with what there is,
   * the loss still divided by all of `gradientAccumulationSteps`, as accelerate does; `always after` also makes every
   * later micro-batch a step, as accelerate 0.20.2 did by mistake. @default 'carry on'
   */
  readonly epochEnd?: 'carry on' | 'step' | 'always after';
  /**
   * Trains one more micro-batch of each epoch up to this count, after the last step, as the original does: its `break`
   * leaves the inner loop only (train.py:1193). @default none
   */
  readonly overrun?: { readonly epochs: number; readonly leaveEpoch: () => void };
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
 *
 * @throws NotFiniteError where a loss or a gradient is no number, before the weights are touched.
 */
export async function* trainingLoop(options: LoopOptions): AsyncGenerator<StepRecord, void> {
  const { batches, microStep, optimizer, maxTrainSteps, signal, stepsDone = 0 } = options;
  const { gradientAccumulationSteps = 1, learningRate = 1e-8, maxGradNorm = 1 } = options;
  const schedule = options.lrSchedule ?? defaultSchedule(maxTrainSteps);
  const isStep = stepRule(options);
  const clock = new Clock(maxTrainSteps - stepsDone);
  let micro: MicroRecord[] = [];
  let pairs = 0;
  let step = stepsDone;
  optimizer.zeroGrad();
  try {
    for await (const batch of batches) {
      if (signal?.aborted) return;
      micro.push(finite(microStep(batch, gradientAccumulationSteps), step + 1));
      pairs += batch.captions.length;
      await setImmediate();
      if (!isStep(batch, micro.length)) {
        if (step >= maxTrainSteps && !overruns(options, batch)) return;
        continue;
      }

      const rate = learningRate * schedule(step);
      const gradNorm = takeStep(optimizer, rate, maxGradNorm, { step: step + 1, micro });
      step += 1;
      clock.tick();
      yield {
        step,
        maxTrainSteps,
        ...meanRecord(micro),
        ...originalFigures(micro, gradientAccumulationSteps),
        gradNorm,
        learningRate: rate,
        nextLearningRate: learningRate * schedule(step),
        pairsPerSecond: pairs / clock.seconds,
        secondsLeft: clock.secondsLeft,
        tensors: tensorCount(),
      };
      micro = [];
      if (step >= maxTrainSteps && !overruns(options, batch)) return;
    }
    if (step < maxTrainSteps && !signal?.aborted)
      throw new RangeError(`The batches ended after ${step} of ${maxTrainSteps} steps.`);
  } finally {
    optimizer.zeroGrad(); // drops the gradient of a step that was cut short
  }
}

/** Goes on to the next epoch, if there is to be one after the last step. */
function overruns({ overrun }: LoopOptions, { epoch = 0 }: LoopBatch): boolean {
  if (!overrun || epoch + 1 >= overrun.epochs) return false;
  overrun.leaveEpoch();
  return true;
}

/** Whether a step follows a micro-batch, of which `count` are collected. Upstream: accelerate's `_do_sync`. */
function stepRule({
  gradientAccumulationSteps = 1,
  epochEnd = 'carry on',
  epochsDone = 0,
}: LoopOptions) {
  let anEpochEnded = epochsDone > 0;
  return ({ isLastOfEpoch = false }: LoopBatch, count: number): boolean => {
    anEpochEnded ||= isLastOfEpoch;
    const forced = { 'carry on': false, step: isLastOfEpoch, 'always after': anEpochEnded };
    return count >= gradientAccumulationSteps || forced[epochEnd];
  };
}

function finite(record: MicroRecord, step: number): MicroRecord {
  if (Number.isFinite(record.loss)) return record;
  throw new NotFiniteError('loss', record.loss, { ...record, step });
}

/** One optimizer step, unless the gradient is no number. */
function takeStep(
  optimizer: LoopOptimizer,
  learningRate: number,
  maxGradNorm: number,
  { step, micro }: { readonly step: number; readonly micro: readonly MicroRecord[] },
): number {
  const gradNorm = optimizer.gradNorm();
  if (!Number.isFinite(gradNorm))
    throw new NotFiniteError('gradient', gradNorm, { ...meanRecord(micro), step, gradNorm });
  return optimizer.step(learningRate, { maxGradNorm, gradNorm });
}

/**
 * What the original logs: sums over the micro-batches divided by `gradient_accumulation_steps`, also where there were
 * fewer; denoising errors of the last micro-batch alone. Upstream: train.py:1147–1180.
 */
function originalFigures(micro: readonly MicroRecord[], accumulationSteps: number) {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / accumulationSteps;
  const { modelLossW, modelLossL, refLossW, refLossL } = micro[micro.length - 1] ?? {};
  const half = (w?: number, l?: number) =>
    w === undefined || l === undefined ? undefined : 0.5 * (w + l);
  const figures = {
    trainLoss: sum(micro.map(({ loss }) => loss)),
    implicitAccAccumulated: micro.some(({ implicitAcc }) => implicitAcc === undefined)
      ? undefined
      : sum(micro.map(({ implicitAcc = 0 }) => implicitAcc)),
    modelMseUnaccumulated: half(modelLossW, modelLossL),
    refMseUnaccumulated: half(refLossW, refLossL),
  };
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Pick<StepRecord, keyof typeof figures>;
}

const defaultSchedule = (trainingSteps: number) =>
  lrSchedules.constant_with_warmup({ warmupSteps: 500, trainingSteps });
