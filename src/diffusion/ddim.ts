/** DDIM (Song, Meng and Ermon 2021, arXiv 2010.02502). All tensors: latents [B, h, w, C]. */
import { scoped, type Tensor } from '../engine';
import { limited } from './limits';
import { mixture, readPrediction } from './prediction';
import { alphaFrame, type RunOptions, type SamplerRun, type SamplerStep } from './sampler-run';
import { alphaOrFinal, type NoiseSchedule } from './schedule';
import type { Limits, PredictionType, SamplerConfig } from './scheduler-config';
import { spacedTimesteps } from './timesteps';

/** The numbers of one DDIM step. */
export interface DdimStep extends Limits {
  /** ᾱ at this timestep */
  readonly alpha: number;
  /** ᾱ at the next one */
  readonly alphaPrev: number;
  /** η, the share of DDPM's noise that is added. */
  readonly eta: number;
  readonly predictionType: PredictionType;
}

/** Equation 12, with σ_t of equation 16; noise is drawn where η > 0. */
export const ddimStep = scoped(
  'ddimStep',
  (modelPred: Tensor, sample: Tensor, step: DdimStep, drawNoise: () => Tensor): SamplerStep => {
    const { alpha, alphaPrev, eta, predictionType } = step;
    const variance = ((1 - alphaPrev) / (1 - alpha)) * (1 - alpha / alphaPrev);
    const sigma = eta * Math.sqrt(variance); // σ_t
    const along = Math.sqrt(Math.max(1 - alphaPrev - sigma ** 2, 0));

    const reading = readPrediction(predictionType, modelPred, sample, mixture(alpha));
    const predOriginal = limited(reading.predOriginal, step); // x̂_0
    const direction = reading.noisePred.mul(along); // towards x_t
    const mean = predOriginal.mul(Math.sqrt(alphaPrev)).add(direction);

    const prevSample = eta > 0 ? mean.add(drawNoise().mul(sigma)) : mean;
    return { prevSample, predOriginal };
  },
);

/** A DDIM run: from each timestep t to t − ⌊T/n⌋, whatever the spacing (as diffusers does). */
export function startDdim(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { eta = 0, begin = 0, drawNoise }: RunOptions,
): SamplerRun {
  const timesteps = spacedTimesteps(config, numInferenceSteps);
  const stride = Math.floor(config.numTrainTimesteps / numInferenceSteps);
  return {
    ...alphaFrame(schedule, timesteps, begin),
    step(index, modelPred, sample) {
      const timestep = timesteps[begin + index] ?? -1;
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
