/** A whole training run: what `npm run train` and a cell of a notebook do. Upstream: train.py `main`. */
import { join } from 'node:path';
import { noiseSchedule } from '../diffusion';
import type { OnProgress, Pipeline } from '../hub';
import { checkpointName } from './checkpoint-folders';
import { epochs } from './effective';
import { type LoopOptions, trainingLoop } from './loop';
import { type LrSchedule, lrSchedules } from './lr-schedule';
import type { TimestepRule } from './noise-draws';
import { NotFiniteError } from './not-finite';
import type { TrainOptions, TrainRequest } from './options';
import { lossSwitches, noisingSwitches, switchesOf } from './parity';
import { preferenceStep, type SeenMicroBatch } from './preference-step';
import type { StepRecord } from './record';
import { finishedStep, RunBook } from './run-book';
import { captionEncoder, findRun, type Note, type RunSetup, setUpRun } from './run-setup';
import { type Boundary, boundaryOf } from './run-state';
import { beginRun, type RunEnd } from './run-status';
import type { ValidationPicture } from './validation';

export interface TrainHooks {
  /** Ends the run after the micro-batch under way, with a checkpoint of the last whole step. */
  readonly signal?: AbortSignal;
  /** The shell's command that goes on with the run; it is kept in the folder. */
  readonly command?: string;
  /** Is told, in sentences, what a person should know. @default nobody is */
  readonly note?: Note;
  /** Is told how far a download is, where models or data are named by `owner/name` of the hub. */
  readonly onTransfer?: OnProgress;
  /** Is given the validation pictures of a step. */
  readonly onValidation?: (pictures: readonly ValidationPicture[], step: number) => void;
  /** Is shown every micro-batch: what both models saw, and every term of the loss. */
  readonly onMicroBatch?: (seen: SeenMicroBatch) => void;
}

/** How a run ended. */
export interface TrainResult {
  readonly outputDir: string;
  /** Optimizer steps taken. */
  readonly step: number;
  /** `finished before`: there was nothing left to do. */
  readonly ended: 'finished' | 'finished before' | 'interrupted';
  /** The newest checkpoint, to go on from; none where the first step was not finished. */
  readonly checkpoint?: string;
}

/**
 * Trains as the options say, and yields one record after every optimizer step. It goes on from a checkpoint of the same
 * run where there is one; a run that is stopped, by the signal or by leaving the loop, saves one first. Finished, the
 * output folder holds the whole pipeline.
 *
 * @throws Error in one sentence: options that are refused, a folder of another run, a file that is wrong
 * @throws NotFiniteError where a loss or gradient is no number; the weights are as before, and the step's record is kept
 */
export async function* train(
  request: TrainRequest,
  hooks: TrainHooks = {},
): AsyncGenerator<StepRecord, TrainResult, void> {
  const { note = () => undefined } = hooks;
  const found = await findRun(request, note);
  const { outputDir, maxTrainSteps } = found.options;
  const { step: stepsDone = 0 } = found.saved?.manifest ?? {};
  const isFinished = stepsDone >= maxTrainSteps && (await finishedStep(outputDir)) === stepsDone;
  const { resumePosition } = switchesOf(found.options);
  if (found.saved && isFinished && resumePosition === 'exact') {
    note(
      `The run in ${outputDir} has taken ${stepsDone} of ${maxTrainSteps} steps: nothing to do.`,
    );
    return { outputDir, step: stepsDone, ended: 'finished before', checkpoint: found.saved.path };
  }
  const run = await setUpRun(found, note, hooks.onTransfer);
  try {
    const book = await RunBook.open(run, note);
    const noteEnd = await beginRun(outputDir, { ...hooks, maxTrainSteps });
    let end: RunEnd = { state: 'interrupted' }; // whoever leaves the loop
    try {
      const result = yield* steps(run, book, { ...hooks, note });
      if (result.ended !== 'interrupted') end = { state: 'finished' };
      return result;
    } catch (error) {
      end = endedBy(error);
      throw error;
    } finally {
      await book.close();
      await noteEnd(end);
    }
  } finally {
    run.dispose();
  }
}

/** A stopped cell's error is no fault of the run. */
function endedBy(error: unknown): RunEnd {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  if (name === 'AbortError' || name === 'Interrupted') return { state: 'interrupted' };
  return { state: 'failed', error: message };
}

async function* steps(
  run: RunSetup,
  book: RunBook,
  hooks: TrainHooks & { readonly note: Note },
): AsyncGenerator<StepRecord, TrainResult, void> {
  const { note, onValidation } = hooks;
  const { outputDir, maxTrainSteps } = run.options;
  let boundary = run.start;
  if (boundary.step >= maxTrainSteps && !trainsPastItsEnd(run))
    return finished(run, book, boundary);
  let damaged = run.batches.damaged.length;
  let state: 'training' | 'failed' = 'training';
  let checkpoint: string | undefined;
  try {
    for await (const record of trainingLoop(loopOptions(run, hooks))) {
      run.ema?.step();
      boundary = boundaryOf(record.step, run.random, run.batches);
      book.log(record);
      for (const message of run.batches.damaged.slice(damaged)) note(`Skipped: ${message}`);
      damaged = run.batches.damaged.length;
      const pictures = await book.validate(record);
      if (pictures.length > 0) onValidation?.(pictures, record.step);
      await book.saveIfDue(boundary, maxTrainSteps);
      yield record;
    }
  } catch (error) {
    state = 'failed';
    if (error instanceof NotFiniteError)
      note(`The record of the step is in ${await book.keepBroken(error)}.`);
    throw error;
  } finally {
    if (state !== 'failed' && boundary.step > 0) checkpoint = await book.save(boundary);
  }
  const { step } = boundary;
  if (step < maxTrainSteps)
    return { outputDir, step, ended: 'interrupted', ...(checkpoint ? { checkpoint } : {}) };
  return finished(run, book, boundary);
}

/** As the original, which looks at the steps after a micro-batch, in each epoch it had planned. Upstream: train.py:999, 1193. */
function trainsPastItsEnd({ options, parity, data, start }: RunSetup): boolean {
  const { numTrainEpochs } = epochs(options, data.pairs.length);
  return parity.resumePosition === 'new permutation' && start.data.epoch < numTrainEpochs;
}

async function finished(run: RunSetup, book: RunBook, boundary: Boundary): Promise<TrainResult> {
  const { outputDir } = run.options;
  await book.finish(boundary.step);
  const checkpoint = join(outputDir, checkpointName(boundary.step));
  return { outputDir, step: boundary.step, ended: 'finished', checkpoint };
}

function loopOptions(run: RunSetup, { signal, onMicroBatch }: TrainHooks): LoopOptions {
  const { options, effective, parity, batches, optimizer, start } = run;
  const { learningRate } = effective;
  return {
    batches,
    optimizer,
    maxTrainSteps: options.maxTrainSteps,
    stepsDone: start.step,
    epochsDone: parity.resumePosition === 'exact' ? start.data.epoch : 0, // accelerate forgets them
    gradientAccumulationSteps: options.gradientAccumulationSteps,
    epochEnd: parity.accelerate0202Accumulation === 'on' ? 'always after' : parity.epochEnd,
    ...(parity.overrunEpochs === 'none' ? {} : { overrun: overrunOf(run) }),
    learningRate,
    lrSchedule: lrScheduleOf(options, learningRate),
    maxGradNorm: effective.maxGradNorm ?? Infinity,
    microStep: preferenceStep({
      ...microStepOptions(run),
      ...(onMicroBatch ? { onMicroBatch } : {}),
    }),
    ...(signal ? { signal } : {}),
  };
}

/** As diffusers' `get_scheduler`, which gives cycles to restarts alone. */
function lrScheduleOf(options: TrainOptions, learningRate: number): LrSchedule {
  const { lrScheduler, lrWarmupSteps, maxTrainSteps, lrNumCycles, lrPower, lrStepRules } = options;
  return lrSchedules[lrScheduler]({
    warmupSteps: lrWarmupSteps,
    trainingSteps: maxTrainSteps,
    learningRate,
    power: lrPower,
    ...(lrScheduler === 'cosine_with_restarts' ? { numCycles: lrNumCycles } : {}),
    ...(lrStepRules === undefined ? {} : { stepRules: lrStepRules }),
  });
}

/** The epochs that the original plans, each of which it begins. */
function overrunOf({ options, data, batches }: RunSetup): LoopOptions['overrun'] {
  const { numTrainEpochs } = epochs(options, data.pairs.length);
  return { epochs: numTrainEpochs, leaveEpoch: () => batches.leaveEpoch() };
}

/** Turbo is trained on a schedule whose last step is noise alone. Upstream: train.py:504, `enforce_zero_terminal_snr`. */
export const trainingSchedule = ({ scheduler }: Pipeline, timesteps: TimestepRule = 'all') =>
  noiseSchedule(timesteps === 'turbo' ? { ...scheduler, rescale_betas_zero_snr: true } : scheduler);

function microStepOptions({ options, effective, parity, models, random }: RunSetup) {
  const { lossType, betaDpo, inputPerturbation, noiseOffset } = options;
  const { base, policy } = models;
  const { timesteps, mixedPrecision, gradientCheckpointing } = effective;
  const { tokenizer2 } = base;
  return {
    ...base,
    sdxlTimeIds: parity.sdxlTimeIds,
    ...(tokenizer2 ? { tokenizer2: captionEncoder(parity, tokenizer2) } : {}),
    policy,
    reference: base.unet,
    schedule: trainingSchedule(base, timesteps),
    generator: random.torch,
    loss: lossType,
    lossOptions: { ...lossSwitches(parity, mixedPrecision), betaDpo },
    noising: { ...noisingSwitches(parity), inputPerturbation, noiseOffset, timesteps },
    mixedPrecision,
    recompute: gradientCheckpointing ? 'blocks' : 'none',
  } as const;
}
