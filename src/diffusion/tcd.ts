/**
 * Trajectory consistency distillation (Zheng et al. 2024, arXiv 2402.19159, Algorithm 4): the model leads to any earlier
 * time s, below the next timestep by the share γ (`eta`), and fresh noise leads up again. All tensors: latents [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { mixture, readPrediction } from './prediction';
import { alphaFrame, type RunOptions, type SamplerRun, type SamplerStep } from './sampler-run';
import { alphaCumprodAt, type NoiseSchedule } from './schedule';
import type { PredictionType, SamplerConfig } from './scheduler-config';
import { distilledTimesteps } from './timesteps';

/** The numbers of one step. */
export interface TcdStep {
  readonly predictionType: PredictionType;
  /** ᾱ at this timestep */
  readonly alpha: number;
  /** ᾱ at s */
  readonly alphaMiddle: number;
  /** ᾱ at the next timestep */
  readonly alphaPrev: number;
}

/** Along x̂_0 and ε̂ to s; from there to the next timestep by q(x_t | x_s), where `drawNoise` is given. */
export const tcdStep = scoped(
  'tcdStep',
  (modelPred: Tensor, sample: Tensor, step: TcdStep, drawNoise?: () => Tensor): SamplerStep => {
    const { alpha, alphaMiddle, alphaPrev } = step;
    const reading = readPrediction(step.predictionType, modelPred, sample, mixture(alpha));
    const { predOriginal, noisePred } = reading;
    const at = mixture(alphaMiddle);
    const noised = predOriginal.mul(at.signal).add(noisePred.mul(at.noise)); // at s
    if (!drawNoise) return { prevSample: noised, predOriginal };
    const up = mixture(alphaPrev / alphaMiddle);
    return { prevSample: noised.mul(up.signal).add(drawNoise().mul(up.noise)), predOriginal };
  },
);

/** A run; it ends at timestep 0. Without `eta` it draws no noise. */
export function startTcd(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0, eta = 0, drawNoise }: RunOptions,
): SamplerRun {
  const timesteps = distilledTimesteps(config, numInferenceSteps);
  return {
    ...alphaFrame(schedule, timesteps, begin),
    step(index, modelPred, sample) {
      const [timestep = 0, next] = timesteps.slice(begin + index);
      const end = next ?? 0;
      const middle = Math.floor(Math.fround(Math.fround(1 - eta) * end)); // in float32, as torch multiplies
      const step = {
        predictionType: config.predictionType,
        alpha: alphaCumprodAt(schedule, timestep),
        alphaMiddle: alphaCumprodAt(schedule, middle),
        alphaPrev: alphaCumprodAt(schedule, end),
      };
      const isNoised = eta > 0 && next !== undefined;
      return tcdStep(modelPred, sample, step, isNoised ? drawNoise : undefined);
    },
    dispose() {},
  };
}
