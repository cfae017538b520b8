import {
  type Fields,
  fieldsOf,
  knownFields,
  type SamplerName,
  type SchedulerName,
  samplerNamed,
  samplerNames,
  schedulerClasses,
} from './scheduler-classes';
import { choice, flag, isCount, number, refuse, SchedulerConfigError } from './scheduler-fields';
import { type ConsistencyFields, consistencyFields } from './scheduler-fields-consistency';
import { type SigmaFields, sigmaFields } from './scheduler-fields-sigma';
import { type SolverFields, solverFields } from './scheduler-fields-solver';

/** `scheduler/scheduler_config.json` as it was read; kept whole, so that saving gives back what was loaded. */
export interface SchedulerConfig {
  readonly _class_name: string;
  readonly [field: string]: unknown;
}

export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';
export type VarianceType = 'fixed_small' | 'fixed_small_log' | 'fixed_large';

/** Limits of x̂_0. */
export interface Limits {
  /** |x̂_0| ≤ this; undefined: no limit. */
  readonly clipRange: number | undefined;
  /** Dynamic thresholding, in place of a fixed limit. */
  readonly threshold: { readonly ratio: number; readonly maxValue: number } | undefined;
}

/**
 * A checked scheduler configuration, every default filled in. Names are those of the file, in camelCase; a field that
 * the sampler does not have is off.
 */
export interface SamplerConfig extends Limits, SigmaFields, SolverFields, ConsistencyFields {
  readonly sampler: SamplerName;
  readonly numTrainTimesteps: number;
  readonly betaSchedule: BetaSchedule;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  readonly stepsOffset: number;
  /** ᾱ before the first timestep is 1, or ᾱ_0. Only DDIM, PNDM, LCM and TCD have the choice. */
  readonly setAlphaToOne: boolean;
  readonly skipPrkSteps: boolean;
  readonly varianceType: VarianceType;
}

/** The sampler that the file names, or the one asked for; an error lists those there are. */
function samplerOf(file: SchedulerConfig, scheduler: SchedulerName | undefined): SamplerName {
  const name = scheduler ?? file._class_name;
  const sampler = samplerNamed(name);
  if (sampler) return sampler;
  const names = `${schedulerClasses.join(', ')} (${samplerNames.join(', ')})`;
  throw new SchedulerConfigError(
    scheduler === undefined
      ? `scheduler_config.json names the scheduler "${name}", which is not supported; supported are ${names}. ` +
          'Another one can be chosen for a run (option scheduler).'
      : `There is no scheduler "${name}"; supported are ${names}.`,
  );
}

/** The fields that the sampler reads: as the file states them, or its own defaults (diffusers' `from_config`). */
function fieldsRead(file: SchedulerConfig, sampler: SamplerName): Fields {
  const defaults = fieldsOf[sampler];
  return Object.fromEntries(Object.keys(defaults).map((f) => [f, file[f] ?? defaults[f]]));
}

const isBeta = (x: number) => x > 0 && x < 1;

/** The fields of the noise schedule alone, which every scheduler class of a file has (also one that cannot sample). */
export function betaFields(fields: Fields) {
  const all = { ...fieldsOf.ddim, ...fields };
  if (all.trained_betas !== null) refuse('trained_betas', all.trained_betas, 'null');
  return {
    numTrainTimesteps: number(
      all,
      'num_train_timesteps',
      (x) => isCount(x) && x > 1,
      'integer > 1',
    ),
    betaSchedule: choice<BetaSchedule>(all, 'beta_schedule', [
      'linear',
      'scaled_linear',
      'squaredcos_cap_v2',
    ]),
    betaStart: number(all, 'beta_start', isBeta, 'a number between 0 and 1'),
    betaEnd: number(all, 'beta_end', isBeta, 'a number between 0 and 1'),
    rescaleBetasZeroSnr: flag(all, 'rescale_betas_zero_snr'),
    predictionType: choice<PredictionType>(all, 'prediction_type', [
      'epsilon',
      'v_prediction',
      'sample',
    ]),
  };
}

/**
 * Fields of diffusers 0.2 to 0.12 that no class reads any more, with the values at which they said what is done now. Source:
 * its schedulers of 0.2.4 (`tensor_format`, `timestep_values`) and 0.7 (`predict_epsilon`).
 */
const FORMER: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['tensor_format', ['pt', 'np']],
  ['timestep_values', [null]],
  ['predict_epsilon', [true]],
]);

function refuseUnknown(file: SchedulerConfig): void {
  for (const [field, value] of Object.entries(file)) {
    if (field.startsWith('_') || knownFields.has(field)) continue;
    const allowed = FORMER.get(field);
    if (!allowed) refuse(field, value, 'no such field');
    if (!allowed.includes(value))
      refuse(field, value, allowed.map((x) => JSON.stringify(x)).join(', '));
  }
}

const noSamplePrediction: readonly SamplerName[] = ['pndm', 'euler_a'];

/**
 * Checks a scheduler configuration and fills in the defaults of the class it names (diffusers
 * 0.42), or of another sampler that takes over what the file states.
 *
 * @throws SchedulerConfigError naming the class or the field that is not supported.
 */
export function samplerConfig(file: SchedulerConfig, scheduler?: SchedulerName): SamplerConfig {
  refuseUnknown(file);
  const sampler = samplerOf(file, scheduler);
  const fields = fieldsRead(file, sampler);
  const betas = betaFields(fields);
  if (betas.predictionType === 'sample' && noSamplePrediction.includes(sampler))
    refuse('prediction_type', 'sample', `epsilon, v_prediction (with ${sampler})`);
  return {
    sampler,
    ...betas,
    ...limits(fields),
    ...sigmaFields(fields),
    ...solverFields(fields, sampler),
    ...consistencyFields(fields),
    timestepSpacing: choice<TimestepSpacing>(fields, 'timestep_spacing', [
      'linspace',
      'leading',
      'trailing',
    ]),
    stepsOffset: number(fields, 'steps_offset', isCount, 'an integer ≥ 0'),
    setAlphaToOne: flag(fields, 'set_alpha_to_one'),
    skipPrkSteps: flag(fields, 'skip_prk_steps'),
    varianceType: sampler === 'ddpm' ? varianceType(fields) : 'fixed_small',
  };
}

function limits(fields: Fields): Limits {
  const range = number(fields, 'clip_sample_range', (x) => x >= 0, 'a number ≥ 0');
  const isRatio = (x: number) => x >= 0 && x <= 1;
  const ratio = number(fields, 'dynamic_thresholding_ratio', isRatio, 'a number from 0 to 1');
  const maxValue = number(fields, 'sample_max_value', (x) => x >= 0, 'a number ≥ 0');
  return {
    clipRange: flag(fields, 'clip_sample') ? range : undefined,
    threshold: flag(fields, 'thresholding') ? { ratio, maxValue } : undefined,
  };
}

const varianceType = (fields: Fields) =>
  choice<VarianceType>(fields, 'variance_type', ['fixed_small', 'fixed_small_log', 'fixed_large']);
