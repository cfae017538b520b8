/**
 * Linear multistep on the probability flow: the slopes (x − x̂_0)/σ of up to four steps, joined by the polynomial through
 * them, which is integrated exactly (Adams–Bashforth with uneven steps; k-diffusion, `sample_lms`).
 * All tensors: x_0 + σ ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { denoised } from './prediction';
import { Recent } from './recent';
import { type RunOptions, type SamplerRun, sigmaFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { sigmaPath } from './sigma-path';

const ORDER = 4;

/**
 * ∫ of the Lagrange polynomial that is 1 at `nodes[which]` and 0 at the others, from `from` to `to`: Simpson's rule, exact
 * up to the third degree.
 */
export function lagrangeIntegral(
  nodes: readonly number[],
  which: number,
  from: number,
  to: number,
): number {
  const node = nodes[which] ?? 0;
  const others = nodes.filter((_, k) => k !== which);
  const at = (x: number) =>
    others.reduce((product, other) => (product * (x - other)) / (node - other), 1);
  return ((to - from) / 6) * (at(from) + 4 * at((from + to) / 2) + at(to));
}

/** A run. One that begins late takes the weights of a full history for the slopes it has, as diffusers does. */
export function startLms(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0 }: RunOptions,
): SamplerRun {
  const path = sigmaPath(config, schedule, numInferenceSteps);
  const slopes = new Recent(ORDER);
  const step = scoped('lmsStep', (index: number, modelPred: Tensor, sample: Tensor) => {
    const at = begin + index;
    const nodes = path.sigmas.slice(Math.max(at + 1 - ORDER, 0), at + 1).reverse(); // newest first
    const [sigma = 0, sigmaNext = 0] = path.sigmas.slice(at);
    const predOriginal = denoised(config.predictionType, modelPred, sample, sigma);
    slopes.push(sample.sub(predOriginal).div(sigma));

    const terms = Array.from({ length: slopes.length }, (_, k) =>
      slopes.at(k).mul(lagrangeIntegral(nodes, k, sigma, sigmaNext)),
    );
    const move = terms.reduce((sum, term) => sum.add(term));
    return { prevSample: sample.add(move), predOriginal };
  });
  return { ...sigmaFrame(config, path, begin), step, dispose: () => slopes.dispose() };
}
