import { startDdim } from './ddim';
import { startDdpm } from './ddpm';
import { startDpmMultistep } from './dpm-multistep';
import { startDpmSinglestep } from './dpm-singlestep';
import { startEuler } from './euler';
import { startEulerAncestral } from './euler-ancestral';
import { startHeun } from './heun';
import { startLcm } from './lcm';
import { startLms } from './lms';
import { startPndm } from './pndm';
import type { RunOptions, SamplerRun, StartRun } from './sampler-run';
import { type NoiseSchedule, scheduleOf } from './schedule';
import type { SamplerName, SchedulerName } from './scheduler-classes';
import { type SamplerConfig, type SchedulerConfig, samplerConfig } from './scheduler-config';
import { startTcd } from './tcd';
import { startUnipc } from './unipc';

/** A way from noise to a picture. */
export interface Sampler {
  readonly config: SamplerConfig;
  readonly schedule: NoiseSchedule;
  /** Evaluations of the model for one step (diffusers' `order`). */
  readonly order: 1 | 2;
  /** @throws RangeError for a number of steps that the schedule does not have */
  start(numInferenceSteps: number, options: RunOptions): SamplerRun;
}

const starts: Readonly<Record<SamplerName, StartRun>> = {
  ddim: startDdim,
  pndm: startPndm,
  ddpm: startDdpm,
  euler: startEuler,
  euler_a: startEulerAncestral,
  heun: startHeun,
  lms: startLms,
  dpmsolver_multistep: startDpmMultistep,
  dpmsolver_singlestep: startDpmSinglestep,
  unipc: startUnipc,
  lcm: startLcm,
  tcd: startTcd,
};

/**
 * The sampler that a `scheduler_config.json` names, or another one with the fields it states.
 *
 * @throws SchedulerConfigError naming the class or field that is not supported
 */
export function makeSampler(
  file: SchedulerConfig,
  { scheduler }: { readonly scheduler?: SchedulerName | undefined } = {},
): Sampler {
  const config = samplerConfig(file, scheduler);
  const schedule = scheduleOf(config);
  return {
    config,
    schedule,
    order: config.sampler === 'heun' ? 2 : 1,
    start: (numInferenceSteps, options) =>
      starts[config.sampler](config, schedule, numInferenceSteps, options),
  };
}
