import type { Fields } from './scheduler-classes';
import { choice, flag, number, refuse } from './scheduler-fields';

/** How the noise levels of a run are laid out; `plain`: where the spaced timesteps have them. */
export type SigmaLadder = 'plain' | 'karras' | 'exponential' | 'beta' | 'lu';

/** Fields of the samplers that work on noise levels σ. */
export interface SigmaFields {
  readonly sigmaLadder: SigmaLadder;
  /** Ends of the ladder; undefined: those of the timesteps. */
  readonly sigmaMin: number | undefined;
  readonly sigmaMax: number | undefined;
  /** Where the last step goes: to no noise, or to the least of training. */
  readonly finalSigmasType: 'zero' | 'sigma_min';
  readonly interpolationType: 'linear' | 'log_linear';
  /** `continuous`: a v-predicting model is told ¼ ln σ for the time. */
  readonly timestepType: 'discrete' | 'continuous';
}

const flags = {
  use_karras_sigmas: 'karras',
  use_exponential_sigmas: 'exponential',
  use_beta_sigmas: 'beta',
  use_lu_lambdas: 'lu',
} as const;

/** Reads and checks them. */
export function sigmaFields(fields: Fields): SigmaFields {
  for (const field of ['use_flow_sigmas', 'use_dynamic_shifting'])
    if (flag(fields, field)) refuse(field, true, 'false');
  for (const field of ['shift_terminal', 'solver_p'])
    if ((fields[field] ?? null) !== null) refuse(field, fields[field], 'null');
  return {
    sigmaLadder: sigmaLadder(fields),
    sigmaMin: level(fields, 'sigma_min'),
    sigmaMax: level(fields, 'sigma_max'),
    finalSigmasType: choice(fields, 'final_sigmas_type', ['zero', 'sigma_min']),
    interpolationType: choice(fields, 'interpolation_type', ['linear', 'log_linear']),
    timestepType: choice(fields, 'timestep_type', ['discrete', 'continuous']),
  };
}

function sigmaLadder(fields: Fields): SigmaLadder {
  const [first, second] = Object.entries(flags).filter(([field]) => flag(fields, field));
  if (second) refuse(second[0], true, `false, where ${first?.[0]} is true`);
  return first?.[1] ?? 'plain';
}

const level = (fields: Fields, field: string) =>
  (fields[field] ?? null) === null
    ? undefined
    : number(fields, field, (x) => x > 0 && Number.isFinite(x), 'null, a number > 0');
