/** Noise schedules, samplers, guidance, and drawing pictures with a pipeline. */
export { vaeScaleFactor } from '../models';
export {
  type CandidateModels,
  type CandidateOptions,
  candidateCount,
  generateCandidates,
} from './candidates';
export type { DrawOverOptions } from './drawn-over';
export { type Guidance, guidedPrediction, isGuided } from './guidance';
export { type DecodeOptions, imagesFromLatents, type VaeMemoryOptions } from './images';
export { type Generators, randnLatents } from './latents';
export type { MicroConditioningOptions } from './micro-conditioning';
export { pipelineScheduler } from './pipeline-scheduler';
export { generateRefined, type RefinedOptions, sampleRefined } from './refine';
export { generateImages, type SampleStep, sample } from './sample';
export {
  type DrawingOptions,
  defaultGuidance,
  type SampleOptions,
  type TextToImage,
} from './sample-plan';
export { makeSampler, type Sampler } from './sampler';
export type { RunOptions, SamplerRun, SamplerStep } from './sampler-run';
export { addNoise, alphaCumprodAt, type NoiseSchedule, noiseSchedule, velocity } from './schedule';
export {
  type SamplerName,
  type SchedulerClass,
  type SchedulerName,
  samplerNamed,
  samplerNames,
  schedulerClasses,
} from './scheduler-classes';
export type { SamplerConfig, SchedulerConfig } from './scheduler-config';
export { SchedulerConfigError } from './scheduler-fields';
export { encodeTexts, type TextSide, type TextTokenizer } from './text-conditioning';
