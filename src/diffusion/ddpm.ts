/** DDPM's ancestral sampler (Ho, Jain and Abbeel 2020, arXiv 2006.11239). All tensors: latents [B, h, w, C]. */
import { scoped, type Tensor } from '../engine';
import { clip } from './ddim';
import { readPrediction } from './prediction';
import type { RunOptions, SamplerRun, SamplerStep } from './sampler-run';
import { alphaOrFinal, type NoiseSchedule } from './schedule';
import type { PredictionType, SamplerConfig, VarianceType } from './scheduler-config';
import { spacedTimesteps } from './timesteps';

/** The numbers of one DDPM step. */
export interface DdpmStep {
  /** ᾱ at this timestep */
  readonly alpha: number;
  /** ᾱ at the next one */
  readonly alphaPrev: number;
  readonly predictionType: PredictionType;
  readonly varianceType: VarianceType;
  /** Limit of |x̂_0|; undefined: none. */
  readonly clipRange: number | undefined;
}

/** Equation 7 for the mean, section 3.2 for the variance; `drawNoise` is undefined in the last step. */
export const ddpmStep = scoped(
  'ddpmStep',
  (modelPred: Tensor, sample: Tensor, step: DdpmStep, drawNoise?: () => Tensor): SamplerStep => {
    const { alpha, alphaPrev, predictionType, varianceType, clipRange } = step;
    const alphaStep = alpha / alphaPrev; // α_t, of this step alone
    const betaStep = 1 - alphaStep; // β_t

    const reading = readPrediction(predictionType, modelPred, sample, alpha);
    const predOriginal = clip(reading.predOriginal, clipRange); // x̂_0
    const mean = predOriginal
      .mul((Math.sqrt(alphaPrev) * betaStep) / (1 - alpha))
      .add(sample.mul((Math.sqrt(alphaStep) * (1 - alphaPrev)) / (1 - alpha)));

    if (!drawNoise) return { prevSample: mean, predOriginal };
    const smallVariance = Math.max(((1 - alphaPrev) / (1 - alpha)) * betaStep, 1e-20); // β̃_t
    const variance = varianceType === 'fixed_large' ? betaStep : smallVariance;
    return { prevSample: mean.add(drawNoise().mul(Math.sqrt(variance))), predOriginal };
  },
);

/** A DDPM run: from each timestep to the next of the list, and to ᾱ = 1 at its end. */
export function startDdpm(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { drawNoise }: RunOptions,
): SamplerRun {
  const timesteps = spacedTimesteps(config, numInferenceSteps);
  const final = { setAlphaToOne: true };
  return {
    timesteps,
    step(index, modelPred, sample) {
      const timestep = timesteps[index] ?? -1;
      const step = {
        ...config,
        alpha: alphaOrFinal(schedule, timestep, final),
        alphaPrev: alphaOrFinal(schedule, timesteps[index + 1] ?? -1, final),
      };
      return ddpmStep(modelPred, sample, step, timestep > 0 ? drawNoise : undefined);
    },
    dispose() {},
  };
}
