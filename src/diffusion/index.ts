/** Noise schedules, samplers, guidance, and drawing pictures with a pipeline. */
export { makeSampler, type Sampler } from './sampler';
export type { RunOptions, SamplerRun, SamplerStep } from './sampler-run';
export { addNoise, alphaCumprodAt, type NoiseSchedule, noiseSchedule, velocity } from './schedule';
export {
  type SamplerConfig,
  type SamplerName,
  type SchedulerConfig,
  SchedulerConfigError,
  samplerNames,
} from './scheduler-config';
