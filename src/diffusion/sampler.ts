import { startDdim } from './ddim';
import { startDdpm } from './ddpm';
import { startPndm } from './pndm';
import type { RunOptions, SamplerRun, StartRun } from './sampler-run';
import { type NoiseSchedule, scheduleOf } from './schedule';
import {
  type SamplerConfig,
  type SamplerName,
  type SchedulerConfig,
  samplerConfig,
} from './scheduler-config';

/** A way from noise to a picture. */
export interface Sampler {
  readonly config: SamplerConfig;
  readonly schedule: NoiseSchedule;
  /** Standard deviation of the latents that a run starts from. */
  readonly initNoiseSigma: number;
  /** @throws RangeError for a number of steps that the schedule does not have */
  start(numInferenceSteps: number, options: RunOptions): SamplerRun;
}

const starts: Readonly<Record<SamplerName, StartRun>> = {
  ddim: startDdim,
  pndm: startPndm,
  ddpm: startDdpm,
};

/**
 * The sampler that a `scheduler_config.json` names, or another one with the fields it states.
 *
 * @throws SchedulerConfigError naming the class or field that is not supported
 */
export function makeSampler(
  file: SchedulerConfig,
  { scheduler }: { readonly scheduler?: SamplerName } = {},
): Sampler {
  const config = samplerConfig(file, scheduler);
  const schedule = scheduleOf(config);
  return {
    config,
    schedule,
    initNoiseSigma: 1,
    start: (numInferenceSteps, options) =>
      starts[config.sampler](config, schedule, numInferenceSteps, options),
  };
}
