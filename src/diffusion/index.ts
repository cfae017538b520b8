/** Noise schedules, samplers, guidance, and drawing pictures with a pipeline. */
export { guidedPrediction, isGuided } from './guidance';
export { imagesFromLatents, vaeScaleFactor } from './images';
export { type Generators, randnLatents } from './latents';
export { pipelineScheduler } from './pipeline-scheduler';
export { generateImages, type SampleStep, sample } from './sample';
export type { SampleOptions, TextToImage } from './sample-plan';
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
export { encodeTexts, type TextTokenizer } from './text-conditioning';
