/**
 * Ancestral sampling with Euler steps: a step goes below the next noise level, and fresh noise leads up to it
 * (k-diffusion, `sample_euler_ancestral`). All tensors: x_0 + σ ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { type EulerStep, eulerStep } from './euler';
import { type RunOptions, type SamplerRun, type SamplerStep, sigmaFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { sigmaPath } from './sigma-path';

/** σ_up of the fresh noise is that of DDPM's posterior, and σ_down² + σ_up² = σ′². */
export const eulerAncestralStep = scoped(
  'eulerAncestralStep',
  (modelPred: Tensor, sample: Tensor, noise: Tensor, step: EulerStep): SamplerStep => {
    const { sigma, sigmaNext } = step;
    const sigmaUp = Math.sqrt((sigmaNext ** 2 * (sigma ** 2 - sigmaNext ** 2)) / sigma ** 2);
    const sigmaDown = Math.sqrt(sigmaNext ** 2 - sigmaUp ** 2);
    const { prevSample, predOriginal } = eulerStep(modelPred, sample, {
      ...step,
      sigmaNext: sigmaDown,
    });
    return { prevSample: prevSample.add(noise.mul(sigmaUp)), predOriginal };
  },
);

/** A run; it draws noise in every step, also in the last, where nothing comes of it. */
export function startEulerAncestral(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0, drawNoise }: RunOptions,
): SamplerRun {
  const path = sigmaPath(config, schedule, numInferenceSteps);
  const step = scoped('startEulerAncestral', (index: number, modelPred: Tensor, sample: Tensor) => {
    const [sigma = 0, sigmaNext = 0] = path.sigmas.slice(begin + index);
    return eulerAncestralStep(modelPred, sample, drawNoise(), { ...config, sigma, sigmaNext });
  });
  return { ...sigmaFrame(config, path, begin), step, dispose() {} };
}
