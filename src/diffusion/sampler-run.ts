import type { Tensor } from '../engine';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';

/** What one step gives; the caller owns both tensors. */
export interface SamplerStep {
  /** x at the next timestep */
  readonly prevSample: Tensor;
  /** x̂_0, what the model takes the finished latents to be */
  readonly predOriginal: Tensor;
}

/** One run down the timesteps; PNDM remembers earlier predictions in it, hence `dispose`. */
export interface SamplerRun {
  /** The timesteps at which the model is asked, in order; a sampler may visit one twice. */
  readonly timesteps: readonly number[];
  /** Step number `index` (0 first): from the model's output at `sample` to the next sample; all of one shape. */
  step(index: number, modelPred: Tensor, sample: Tensor): SamplerStep;
  dispose(): void;
}

/** What a run may need besides the model. */
export interface RunOptions {
  /** Amount of fresh noise, 0 (none) to 1 (as much as DDPM); DDIM only. @default 0 */
  readonly eta?: number;
  /** Fresh standard normal noise in the shape of the sample: DDPM, and DDIM with eta > 0. */
  readonly drawNoise: () => Tensor;
}

/** Starts one run of a sampler. */
export type StartRun = (
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  options: RunOptions,
) => SamplerRun;
