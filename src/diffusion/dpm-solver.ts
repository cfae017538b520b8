/**
 * DPM-Solver (Lu et al. 2022, arXiv 2206.00927) and DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095). With λ = ln(α/σ_t) as
 * the time, the linear part of the flow is solved exactly, and x̂_0 (++) or ε̂ is expanded where the step starts:
 *
 *   x_t = c x_s + c_0 D_0 + c_1 D_1 + c_2 D_2,   D_k ≈ h^k · k-th derivative by λ,   h = λ_t − λ_s
 *
 * The stochastic variants (Lu et al. 2022, appendix A) add noise. All tensors: α x_0 + σ_t ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { limited } from './limits';
import { readPrediction } from './prediction';
import { mixtureAt } from './sampler-run';
import type { SamplerConfig } from './scheduler-config';
import type { DpmAlgorithm } from './scheduler-fields-solver';

/** ln(α/σ_t), where `sigma` is σ_t/α. */
export const lambdaOf = (sigma: number): number => -Math.log(sigma);

/** The numbers that one step multiplies with. */
export interface DpmWeights {
  /** c */
  readonly sample: number;
  /** c_0 */
  readonly value: number;
  /** c_1; at order 2 the `midpoint` solver type takes c_0/2 in its place. */
  readonly slope: number;
  /** c_2 */
  readonly curvature: number;
  /** Of fresh noise. */
  readonly noise: number;
}

/** (e^z − 1)/z − 1 and (e^z − 1 − z)/z² − ½: the integrals of e^z z and e^z z²/2, less what c_0 counts already. */
const phi = (z: number) =>
  z === 0
    ? { first: 0, second: 0 }
    : { first: Math.expm1(z) / z - 1, second: (Math.expm1(z) - z) / z ** 2 - 0.5 };

/** The weights from one noise level to another, both σ_t/α; at 0 the step ends in x̂_0 (h is infinite). */
export function dpmWeights(
  algorithm: DpmAlgorithm,
  sigmaFrom: number,
  sigmaTo: number,
): DpmWeights {
  const [from, to] = [mixtureAt(sigmaFrom), mixtureAt(sigmaTo)];
  const h = lambdaOf(sigmaTo) - lambdaOf(sigmaFrom);
  const weights = (z: number, scale: number) => {
    const { first, second } = phi(z);
    return { value: scale * Math.expm1(z), slope: scale * first, curvature: scale * second };
  };
  const [onOriginal, onNoise] = [to.noise / from.noise, to.signal / from.signal]; // the linear part
  switch (algorithm) {
    case 'dpmsolver++':
      return { ...weights(-h, -to.signal), sample: onOriginal, noise: 0 };
    case 'dpmsolver':
      return { ...weights(h, -to.noise), sample: onNoise, noise: 0 };
    case 'sde-dpmsolver++': {
      const { curvature, ...exact } = weights(-2 * h, -to.signal);
      return {
        ...exact,
        curvature: curvature - to.signal, // diffusers has −½ where the expansion gives +½
        sample: onOriginal * Math.exp(-h),
        noise: to.noise * Math.sqrt(-Math.expm1(-2 * h)),
      };
    }
    case 'sde-dpmsolver':
      return {
        ...weights(h, -2 * to.noise),
        sample: onNoise,
        noise: to.noise * Math.sqrt(Math.expm1(2 * h)),
      };
  }
}

/** x̂_0, and what the solver expands: it (++), or ε̂. */
export const dpmReading = scoped(
  'dpmReading',
  (config: SamplerConfig, modelPred: Tensor, sample: Tensor, sigma: number) => {
    const at = mixtureAt(sigma);
    const reading = readPrediction(config.predictionType, modelPred, sample, at);
    const predOriginal = limited(reading.predOriginal, config);
    if (config.algorithmType.endsWith('++')) return { value: predOriginal, predOriginal };
    const value = config.threshold
      ? sample.sub(predOriginal.mul(at.signal)).div(at.noise)
      : reading.noisePred;
    return { value, predOriginal };
  },
);
