/**
 * Heun's method on the probability flow (Karras, Aittala, Aila and Laine 2022, arXiv 2206.00364, Algorithm 1): an Euler
 * step, then the same step again along the mean of the slopes at both of its ends. All tensors: x_0 + σ ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { limited } from './limits';
import { denoised } from './prediction';
import { Recent } from './recent';
import { type RunOptions, type SamplerRun, sigmaFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { type SigmaPath, sigmaPath } from './sigma-path';

/** Every noise level but the first and the last is visited twice: at the end of one step, at the beginning of the next. */
function visitedTwice({ timesteps, sigmas }: SigmaPath): SigmaPath {
  const twice = (values: readonly number[]) => values.flatMap((x) => [x, x]);
  return {
    timesteps: twice(timesteps).slice(1),
    sigmas: [...twice(sigmas.slice(0, -1)).slice(1), 0],
  };
}

/** x̂_0 and the slope dx/dσ = (x − x̂_0)/σ. */
const slope = scoped(
  'slope',
  (modelPred: Tensor, sample: Tensor, sigma: number, config: SamplerConfig) => {
    const predOriginal = limited(denoised(config.predictionType, modelPred, sample, sigma), config);
    return { predOriginal, derivative: sample.sub(predOriginal).div(sigma) };
  },
);

/** A Heun run: two evaluations a step, and one for the last, which ends at σ = 0. */
export function startHeun(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0 }: RunOptions,
): SamplerRun {
  const path = visitedTwice(sigmaPath(config, schedule, numInferenceSteps));
  const start = new Recent(2); // of an unfinished step: its first slope, and the sample it began with
  const step = scoped('heunStep', (index: number, modelPred: Tensor, sample: Tensor) => {
    const [sigmaBefore = 0, sigma = 0, sigmaNext = 0] = [-1, 0, 1].map(
      (i) => path.sigmas[begin + index + i],
    );
    const { predOriginal, derivative } = slope(modelPred, sample, sigma, config);
    if (start.length === 0) {
      start.push(sample);
      start.push(derivative);
      return { prevSample: sample.add(derivative.mul(sigmaNext - sigma)), predOriginal };
    }
    const mean = start.at(0).add(derivative).div(2);
    const prevSample = start.at(1).add(mean.mul(sigma - sigmaBefore));
    start.dispose();
    return { prevSample, predOriginal };
  });
  return { ...sigmaFrame(config, path, begin), step, dispose: () => start.dispose() };
}
