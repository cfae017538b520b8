/** `scheduler/scheduler_config.json` as it was read; kept whole, so that saving gives back what was loaded. */
export interface SchedulerConfig {
  readonly _class_name: string;
  readonly [field: string]: unknown;
}

/** The samplers; each is named after its diffusers class. */
export type SamplerName = 'ddim' | 'pndm' | 'ddpm';
export const samplerNames: readonly SamplerName[] = ['ddim', 'pndm', 'ddpm'];

export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
export type PredictionType = 'epsilon' | 'v_prediction';
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';
export type VarianceType = 'fixed_small' | 'fixed_small_log' | 'fixed_large';

/** A checked scheduler configuration, every default filled in. Names are those of the file, in camelCase. */
export interface SamplerConfig {
  readonly sampler: SamplerName;
  readonly numTrainTimesteps: number;
  readonly betaSchedule: BetaSchedule;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  readonly stepsOffset: number;
  /** ᾱ before the first timestep is 1, or ᾱ_0. Not used by DDPM, where it is 1. */
  readonly setAlphaToOne: boolean;
  /** x̂_0 is clipped to ± this, where it is given. PNDM never clips. */
  readonly clipRange: number | undefined;
  readonly skipPrkSteps: boolean;
  readonly varianceType: VarianceType;
}

/** A scheduler configuration that names something this project does not compute. */
export class SchedulerConfigError extends Error {
  override readonly name = 'SchedulerConfigError';
}

/** The sampler of each supported diffusers class. */
export const samplerOfClass: Readonly<Record<string, SamplerName>> = {
  DDIMScheduler: 'ddim',
  PNDMScheduler: 'pndm',
  DDPMScheduler: 'ddpm',
};

const shared = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null,
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
  steps_offset: 0,
};
const clipping = { clip_sample: true, clip_sample_range: 1, thresholding: false };

type Fields = Readonly<Record<string, unknown>>;

/** The fields that each class reads, with the class's own defaults (diffusers 0.42). */
const fieldsOf: Readonly<Record<SamplerName, Fields>> = {
  ddim: { ...shared, ...clipping, set_alpha_to_one: true, rescale_betas_zero_snr: false },
  pndm: { ...shared, set_alpha_to_one: false, skip_prk_steps: false },
  ddpm: { ...shared, ...clipping, variance_type: 'fixed_small', rescale_betas_zero_snr: false },
};

/** Fields of diffusers' other scheduler classes: a file may carry them, and these samplers do not read them. */
const foreignFields = new Set(
  `algorithm_type disable_corrector dynamic_thresholding_ratio euler_at_final final_sigmas_type flow_shift
  interpolation_type lambda_min_clipped lower_order_final predict_x0 rho sample_max_value shift_terminal sigma_data
  sigma_max sigma_min sigma_schedule solver_order solver_p solver_type time_shift_type timestep_type use_beta_sigmas
  use_dynamic_shifting use_exponential_sigmas use_flow_sigmas use_karras_sigmas use_lu_lambdas`.split(
    /\s+/,
  ),
);
for (const fields of Object.values(fieldsOf)) for (const f in fields) foreignFields.add(f);

/** The sampler that the file names; an error lists those there are. */
function samplerOf(file: SchedulerConfig): SamplerName {
  const sampler = samplerOfClass[file._class_name];
  if (sampler) return sampler;
  throw new SchedulerConfigError(
    `scheduler_config.json names the scheduler "${file._class_name}", which is not supported; ` +
      `supported are ${Object.keys(samplerOfClass).join(', ')}. ` +
      `Another one can be chosen for a run (scheduler: ${samplerNames.join(', ')}).`,
  );
}

/** The fields that the sampler reads: as the file states them, or its own defaults (diffusers' `from_config`). */
function fieldsRead(file: SchedulerConfig, sampler: SamplerName): Fields {
  const defaults = fieldsOf[sampler];
  return Object.fromEntries(Object.keys(defaults).map((f) => [f, file[f] ?? defaults[f]]));
}

function refuse(field: string, value: unknown, allowed: string): never {
  throw new SchedulerConfigError(
    `scheduler_config.json: "${field}" is ${JSON.stringify(value)}; supported: ${allowed}.`,
  );
}

function choice<T extends string>(fields: Fields, field: string, allowed: readonly T[]): T {
  const value = fields[field] ?? allowed[0];
  return allowed.find((a) => a === value) ?? refuse(field, value, allowed.join(', '));
}

function number(fields: Fields, field: string, isAllowed: (x: number) => boolean, allowed: string) {
  const value = fields[field] ?? 0;
  return typeof value === 'number' && isAllowed(value) ? value : refuse(field, value, allowed);
}

function flag(fields: Fields, field: string): boolean {
  const value = fields[field] ?? false;
  return typeof value === 'boolean' ? value : refuse(field, value, 'true, false');
}

const isBeta = (x: number) => x > 0 && x < 1;
const isCount = (x: number) => Number.isInteger(x) && x >= 0;

/** The fields of the noise schedule alone, which every scheduler class of a file has (also one that cannot sample). */
export function betaFields(fields: Fields) {
  const all = { ...shared, ...fields };
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
    predictionType: choice<PredictionType>(all, 'prediction_type', ['epsilon', 'v_prediction']),
  };
}

function refuseUnknown(file: SchedulerConfig): void {
  const unknown = Object.keys(file).find((f) => !f.startsWith('_') && !foreignFields.has(f));
  if (unknown !== undefined) refuse(unknown, file[unknown], 'no such field');
}

/**
 * Checks a scheduler configuration and fills in the defaults of the class it names (diffusers
 * 0.42), or of another sampler that takes over what the file states.
 *
 * @throws SchedulerConfigError naming the class or the field that is not supported.
 */
export function samplerConfig(file: SchedulerConfig, scheduler?: SamplerName): SamplerConfig {
  refuseUnknown(file);
  const sampler = scheduler ?? samplerOf(file);
  const fields = fieldsRead(file, sampler);
  if (flag(fields, 'thresholding')) refuse('thresholding', true, 'false');
  const range = number(fields, 'clip_sample_range', (x) => x >= 0, 'a number ≥ 0');
  return {
    sampler,
    ...betaFields(fields),
    timestepSpacing: choice<TimestepSpacing>(fields, 'timestep_spacing', [
      'leading',
      'trailing',
      'linspace',
    ]),
    stepsOffset: number(fields, 'steps_offset', isCount, 'an integer ≥ 0'),
    setAlphaToOne: flag(fields, 'set_alpha_to_one'),
    clipRange: flag(fields, 'clip_sample') ? range : undefined,
    skipPrkSteps: flag(fields, 'skip_prk_steps'),
    varianceType: choice<VarianceType>(fields, 'variance_type', [
      'fixed_small',
      'fixed_small_log',
      'fixed_large',
    ]),
  };
}
