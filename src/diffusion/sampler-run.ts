import type { Tensor } from '../engine';
import { mixture } from './prediction';
import { alphaCumprodAt, type NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import type { SigmaPath } from './sigma-path';

/** What one step gives; the caller owns both tensors. */
export interface SamplerStep {
  /** x at the next timestep */
  readonly prevSample: Tensor;
  /** x̂_0, what the model takes the finished latents to be */
  readonly predOriginal: Tensor;
}

/** How a run looks from outside. All tensors: latents [B, h, w, C]. */
export interface RunFrame {
  /** The times at which the model is asked, in order; a sampler may visit one twice, or one between two of training. */
  readonly timesteps: readonly number[];
  /** Standard deviation of the noise that a run from nothing starts with. */
  readonly initNoiseSigma: number;
  /** What the sample of step number `index` is divided by before the model sees it. */
  inputScale(index: number): number;
  /** Clean latents with as much noise as the run begins with; `noise` is standard normal. */
  addNoise(latents: Tensor, noise: Tensor): Tensor;
}

/** One run down the timesteps; some samplers remember earlier steps in it, hence `dispose`. */
export interface SamplerRun extends RunFrame {
  /** Step number `index` (0 first): from the model's output at `sample` to the next sample; all of one shape. */
  step(index: number, modelPred: Tensor, sample: Tensor): SamplerStep;
  dispose(): void;
}

/** What a run may need besides the model. */
export interface RunOptions {
  /** Amount of fresh noise, 0 (none) to 1: DDIM (1: as much as DDPM), and TCD's γ. @default 0 */
  readonly eta?: number;
  /** The evaluation of the model that the run begins with, counted from 0: later for a picture that is drawn over. @default 0 */
  readonly begin?: number;
  /** Fresh standard normal noise in the shape of the sample, for samplers that add noise. */
  readonly drawNoise: () => Tensor;
}

/** Starts one run of a sampler. */
export type StartRun = (
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  options: RunOptions,
) => SamplerRun;

/** The frame of a run on √ᾱ x_0 + √(1 − ᾱ) ε at training timesteps. */
export function alphaFrame(
  schedule: NoiseSchedule,
  timesteps: readonly number[],
  begin: number,
): RunFrame {
  return {
    timesteps: timesteps.slice(begin),
    initNoiseSigma: 1,
    inputScale: () => 1,
    addNoise(latents, noise) {
      const at = mixture(alphaCumprodAt(schedule, timesteps[begin] ?? 0));
      return latents.mul(at.signal).add(noise.mul(at.noise));
    },
  };
}

/** The frame of a run on (x_0 + σ ε) / √(σ² + 1), which is the same in terms of σ. */
export const solverFrame = ({ timesteps, sigmas }: SigmaPath, begin: number): RunFrame => ({
  timesteps: timesteps.slice(begin),
  initNoiseSigma: 1,
  inputScale: () => 1,
  addNoise(latents, noise) {
    const at = mixtureAt(sigmas[begin] ?? 0);
    return latents.mul(at.signal).add(noise.mul(at.noise));
  },
});

/** The frame of a run on x_0 + σ ε, which is scaled for the model alone. */
export function sigmaFrame(
  { timestepSpacing }: SamplerConfig,
  { timesteps, sigmas }: SigmaPath,
  begin: number,
): RunFrame {
  const most = Math.max(...sigmas);
  return {
    timesteps: timesteps.slice(begin),
    initNoiseSigma: timestepSpacing === 'leading' ? Math.sqrt(most ** 2 + 1) : most,
    inputScale: (index) => Math.sqrt((sigmas[begin + index] ?? 0) ** 2 + 1),
    addNoise: (latents, noise) => latents.add(noise.mul(sigmas[begin] ?? 0)),
  };
}

/** α and σ_t with σ = σ_t/α and α² + σ_t² = 1. */
export function mixtureAt(sigma: number): { readonly signal: number; readonly noise: number } {
  const signal = 1 / Math.sqrt(sigma ** 2 + 1);
  return { signal, noise: sigma * signal };
}
