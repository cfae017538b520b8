/**
 * Latent consistency models (Luo, Tan, Huang, Li and Zhao 2023, arXiv 2310.04378, Algorithm 3): the consistency function
 * gives x̂_0 at once, and each step but the last noises it again. All tensors: latents [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { limited } from './limits';
import { mixture, readPrediction } from './prediction';
import { alphaFrame, type RunOptions, type SamplerRun, type SamplerStep } from './sampler-run';
import { alphaCumprodAt, type NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { distilledTimesteps } from './timesteps';

const SIGMA_DATA = 0.5;

/** The numbers of one step. */
export interface LcmStep {
  readonly timestep: number;
  /** ᾱ at this timestep */
  readonly alpha: number;
  /** ᾱ at the next one */
  readonly alphaPrev: number;
}

/** f(x, t) = c_out x̂_0 + c_skip x, equal to x at t = 0; with noise to the next timestep, where `drawNoise` is given. */
export const lcmStep = scoped(
  'lcmStep',
  (
    config: SamplerConfig,
    modelPred: Tensor,
    sample: Tensor,
    { timestep, alpha, alphaPrev }: LcmStep,
    drawNoise?: () => Tensor,
  ): SamplerStep => {
    const t = timestep * config.timestepScaling;
    const skip = SIGMA_DATA ** 2 / (t ** 2 + SIGMA_DATA ** 2);
    const out = t / Math.sqrt(t ** 2 + SIGMA_DATA ** 2);

    const reading = readPrediction(config.predictionType, modelPred, sample, mixture(alpha));
    const predOriginal = limited(reading.predOriginal, config).mul(out).add(sample.mul(skip));
    if (!drawNoise) return { prevSample: predOriginal.mul(1), predOriginal }; // two tensors: the caller frees each
    const at = mixture(alphaPrev);
    return {
      prevSample: predOriginal.mul(at.signal).add(drawNoise().mul(at.noise)),
      predOriginal,
    };
  },
);

/** A run. */
export function startLcm(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0, drawNoise }: RunOptions,
): SamplerRun {
  const timesteps = distilledTimesteps(config, numInferenceSteps);
  return {
    ...alphaFrame(schedule, timesteps, begin),
    step(index, modelPred, sample) {
      const [timestep = 0, next] = timesteps.slice(begin + index);
      const step = {
        timestep,
        alpha: alphaCumprodAt(schedule, timestep),
        alphaPrev: alphaCumprodAt(schedule, next ?? timestep),
      };
      return lcmStep(config, modelPred, sample, step, next === undefined ? undefined : drawNoise);
    },
    dispose() {},
  };
}
