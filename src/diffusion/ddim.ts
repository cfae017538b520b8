/** DDIM (Song, Meng and Ermon 2021, arXiv 2010.02502). All tensors: latents [B, h, w, C]. */
import { scoped, type Tensor } from '../engine';
import { readPrediction } from './prediction';
import type { RunOptions, SamplerRun, SamplerStep } from './sampler-run';
import { alphaOrFinal, type NoiseSchedule } from './schedule';
import type { PredictionType, SamplerConfig } from './scheduler-config';
import { spacedTimesteps } from './timesteps';

/** The numbers of one DDIM step. */
export interface DdimStep {
  /** ᾱ at this timestep */
  readonly alpha: number;
  /** ᾱ at the next one */
  readonly alphaPrev: number;
  /** η, the share of DDPM's noise that is added. */
  readonly eta: number;
  readonly predictionType: PredictionType;
  /** Limit of |x̂_0|; undefined: none. */
  readonly clipRange: number | undefined;
}

/** Equation 12, with σ_t of equation 16; noise is drawn where η > 0. */
export const ddimStep = scoped(
  'ddimStep',
  (modelPred: Tensor, sample: Tensor, step: DdimStep, drawNoise: () => Tensor): SamplerStep => {
    const { alpha, alphaPrev, eta, predictionType, clipRange } = step;
    const variance = ((1 - alphaPrev) / (1 - alpha)) * (1 - alpha / alphaPrev);
    const sigma = eta * Math.sqrt(variance); // σ_t
    const along = Math.sqrt(Math.max(1 - alphaPrev - sigma ** 2, 0));

    const reading = readPrediction(predictionType, modelPred, sample, alpha);
    const predOriginal = clip(reading.predOriginal, clipRange); // x̂_0
    const direction = reading.noisePred.mul(along); // towards x_t
    const mean = predOriginal.mul(Math.sqrt(alphaPrev)).add(direction);

    const prevSample = eta > 0 ? mean.add(drawNoise().mul(sigma)) : mean;
    return { prevSample, predOriginal };
  },
);

/** Limits x̂_0 to ±`range`, where one is given. */
export const clip = (predOriginal: Tensor, range: number | undefined): Tensor =>
  range === undefined ? predOriginal : predOriginal.clip(-range, range);

/** A DDIM run: from each timestep t to t − ⌊T/n⌋, whatever the spacing (as diffusers does). */
export function startDdim(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { eta = 0, drawNoise }: RunOptions,
): SamplerRun {
  const timesteps = spacedTimesteps(config, numInferenceSteps);
  const stride = Math.floor(config.numTrainTimesteps / numInferenceSteps);
  return {
    timesteps,
    step(index, modelPred, sample) {
      const timestep = timesteps[index] ?? -1;
      const step = {
        ...config,
        alpha: alphaOrFinal(schedule, timestep, config),
        alphaPrev: alphaOrFinal(schedule, timestep - stride, config),
        eta,
      };
      return ddimStep(modelPred, sample, step, drawNoise);
    },
    dispose() {},
  };
}
