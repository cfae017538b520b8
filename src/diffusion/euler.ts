/**
 * Euler's method on the probability flow, dx/dσ = (x − x̂_0)/σ (Karras, Aittala, Aila and Laine 2022, arXiv 2206.00364,
 * Algorithm 2 without churn). All tensors: x_0 + σ ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { denoised } from './prediction';
import { type RunOptions, type SamplerRun, type SamplerStep, sigmaFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { PredictionType, SamplerConfig } from './scheduler-config';
import { sigmaPath } from './sigma-path';

/** The numbers of one step. */
export interface EulerStep {
  readonly predictionType: PredictionType;
  /** σ where the sample is */
  readonly sigma: number;
  /** σ where it goes */
  readonly sigmaNext: number;
}

/** x + (σ′ − σ) (x − x̂_0)/σ */
export const eulerStep = scoped(
  'eulerStep',
  (modelPred: Tensor, sample: Tensor, step: EulerStep): SamplerStep => {
    const { predictionType, sigma, sigmaNext } = step;
    const predOriginal = denoised(predictionType, modelPred, sample, sigma);
    const derivative = sample.sub(predOriginal).div(sigma);
    return { prevSample: sample.add(derivative.mul(sigmaNext - sigma)), predOriginal };
  },
);

/** An Euler run. */
export function startEuler(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0 }: RunOptions,
): SamplerRun {
  const path = sigmaPath(config, schedule, numInferenceSteps);
  return {
    ...sigmaFrame(config, path, begin),
    step(index, modelPred, sample) {
      const [sigma = 0, sigmaNext = 0] = path.sigmas.slice(begin + index);
      return eulerStep(modelPred, sample, { ...config, sigma, sigmaNext });
    },
    dispose() {},
  };
}
