import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { toTorchLayout } from '../../src/hub';
import { type UNet, unetWeights } from '../../src/models';
import type { StepRecord } from '../../src/training';
import { type FixtureTensor, jsonFixture } from './fixtures';
import {
  type LoggedFetch,
  type LoggedMicro,
  type LoggedStep,
  type OracleLog,
  SAMPLED_EVERY,
} from './oracle-log';

/** The largest differences from the log among forms of PyTorch that only sum in other orders (spread.py). */
const { worst } = jsonFixture<{
  worst: Record<'firstDpoLosses' | 'dpoLoss' | 'mse' | 'refMse' | 'gradNorm' | 'adamW', number>;
}>('oracle', 'spread.json');

/**
 * How far we may be from the original: twice what PyTorch itself is in the worst of its forms. β 5000 makes of an
 * error's difference a logit 2500 times as large, and training carries it on. What spread.py does not run: three times
 * what two versions of PyTorch (2.0.1 and 2.15) differ by.
 */
export const LIMITS = {
  sftLoss: 4e-7,
  /** Of one picture, by the policy. */
  mse: 2 * worst.mse,
  /** By the reference, which training does not change. */
  refMse: 2 * worst.refMse,
  dpoLoss: 2 * worst.dpoLoss,
  /** Of the first five micro-batches. */
  firstDpoLosses: 2 * worst.firstDpoLosses,
  /** Relative. */
  gradNorm: 2 * worst.gradNorm,
  /** Of the distance from the start to the original's trained weights. */
  adamW: 2 * worst.adamW,
  adafactor: 5e-4,
} as const;

type Draws = Pick<OracleLog, 'fetches' | 'micros'>;

/**
 * Fails unless rows, flips, crops, prompts, times, noise and pixels are the same, bit for bit.
 * @param logged workers log a fetch when they are done, in any order
 */
export function assertSameDraws(
  ours: Draws,
  log: Draws,
  logged: 'in order' | 'in any order' = 'in order',
): void {
  assert.equal(ours.micros.length, log.micros.length);
  assert.ok(ours.fetches.length >= log.micros.length);
  ours.fetches.forEach((fetch, i) => {
    const theirs = logged === 'in order' ? log.fetches.slice(i, i + 1) : log.fetches;
    const isSame = ({ ranking_id, flips, crops }: LoggedFetch) =>
      isDeepStrictEqual(fetch.ranking_id, ranking_id) &&
      isDeepStrictEqual(flips.length > 0 ? fetch.flips : [], flips) &&
      isDeepStrictEqual(crops.length > 0 ? fetch.crops : [], crops);
    assert.ok(theirs.some(isSame), `fetch ${i}: ${JSON.stringify([fetch, ...theirs])}`);
  });
  const exact = ({ timesteps, noise_sha256, pixel_values_sha256, input_ids }: LoggedMicro) => ({
    ...{ timesteps, noise_sha256, pixel_values_sha256, input_ids },
  });
  ours.micros.forEach((micro, i) => {
    assert.deepEqual(exact(micro), exact(log.micros[i] as LoggedMicro), `micro-batch ${i}`);
  });
}

/** Fails unless |ours − theirs| ≤ limit. */
export function assertWithin(
  ours: number | undefined,
  theirs: number | undefined,
  limit: number,
  label: string,
): void {
  if (theirs === undefined) return;
  const error = Math.abs((ours ?? Number.NaN) - theirs);
  assert.ok(
    error <= limit,
    `${label}: ours ${ours}, the original's ${theirs}: ${error} > ${limit}`,
  );
}

/** The limit of a DPO loss of one micro-batch, counted from 0. */
const dpoLimit = (micro: number) => (micro < 5 ? LIMITS.firstDpoLosses : LIMITS.dpoLoss);

/** Fails unless losses of micro-batches, logits and errors of every picture in them are within the limits. */
export function assertMicros(ours: readonly LoggedMicro[], theirs: readonly LoggedMicro[]): void {
  theirs.forEach((micro, i) => {
    const limit = micro.model_losses ? dpoLimit(i) : LIMITS.sftLoss;
    assertWithin(ours[i]?.loss, micro.loss, limit, `loss of micro-batch ${i}`);
    micro.inside_term?.forEach((logit, pair) => {
      const label = `logit of micro-batch ${i}, pair ${pair}`; // the loss moves by a part of it
      assertWithin(ours[i]?.inside_term?.[pair], logit, 3 * limit, label);
    });
    for (const [key, most] of [
      ['model_losses', LIMITS.mse],
      ['ref_losses', LIMITS.refMse],
    ] as const)
      micro[key]?.forEach((mse, picture) => {
        const label = `${key} of micro-batch ${i}, picture ${picture}`;
        assertWithin(ours[i]?.[key]?.[picture], mse, most, label);
      });
  });
}

/** What the records of any training loop must hold to be compared. */
export type ComparedRecord = Pick<
  StepRecord,
  | 'trainLoss'
  | 'learningRate'
  | 'gradNorm'
  | 'modelMseUnaccumulated'
  | 'refMseUnaccumulated'
  | 'implicitAccAccumulated'
>;

/** Fails unless all figures of all steps are within the limits; learning rate and accuracy are exact. */
export function assertSteps(ours: readonly ComparedRecord[], theirs: readonly LoggedStep[]): void {
  assert.equal(ours.length, theirs.length);
  let micros = 0;
  theirs.forEach((step, i) => {
    const record = ours[i] as ComparedRecord;
    const label = (name: string) => `${name} of step ${i + 1}`;
    micros += step.micro_in_this_step;
    const lossLimit =
      step.model_mse_unaccumulated === undefined ? LIMITS.sftLoss : dpoLimit(micros - 1);
    const { grad_norm_preclip: norm } = step;
    assert.equal(record.learningRate, step.lr_used, label('rate'));
    assert.equal(record.implicitAccAccumulated, step.implicit_acc_accumulated, label('accuracy'));
    assertWithin(record.trainLoss, step.train_loss, lossLimit, label('loss'));
    assertWithin(record.gradNorm, norm, LIMITS.gradNorm * (norm ?? 0), label('gradient norm'));
    const { modelMseUnaccumulated, refMseUnaccumulated } = record;
    const { model_mse_unaccumulated, ref_mse_unaccumulated } = step;
    assertWithin(modelMseUnaccumulated, model_mse_unaccumulated, LIMITS.mse, label('model MSE'));
    assertWithin(refMseUnaccumulated, ref_mse_unaccumulated, LIMITS.refMse, label('reference MSE'));
  });
}

type Read = (name: string) => Float32Array;

/** ‖read − theirs‖ / ‖theirs − start‖ over the numbers kept of each weight; `start` is 0 where it is not given. */
export function relativeDistance(
  unet: UNet,
  read: Read,
  theirs: ReadonlyMap<string, FixtureTensor>,
  start: Read = (name) => new Float32Array(read(name).length),
): number {
  let [difference, moved] = [0, 0];
  const weights = new Map(unetWeights(unet.config));
  assert.deepEqual([...theirs.keys()].sort(), [...weights.keys()].sort());
  for (const [name, { data }] of theirs) {
    const shape = weights.get(name) ?? [];
    const [ours, from] = [read, start].map((numbers) => toTorchLayout(numbers(name), shape));
    data.forEach((value, i) => {
      difference += ((ours?.[i * SAMPLED_EVERY] ?? Number.NaN) - value) ** 2;
      moved += (value - (from?.[i * SAMPLED_EVERY] ?? Number.NaN)) ** 2;
    });
  }
  return Math.sqrt(difference / moved);
}

/** ‖weights − start‖ over all numbers. */
export function distanceMoved(unet: UNet, start: UNet): number {
  const squares = unet.parameters.names.map((name) => {
    const from = start.parameters.read(name);
    return unet.parameters
      .read(name)
      .reduce((sum, x, i) => sum + (x - (from[i] as number)) ** 2, 0);
  });
  return Math.sqrt(squares.reduce((a, b) => a + b, 0));
}
