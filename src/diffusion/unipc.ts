/**
 * UniPC (Zhao, Bai, Rao, Zhou and Lu 2023, arXiv 2302.04867, Algorithm 5–8): a predictor of some order, and a corrector
 * of the next that goes over the step again when the model has spoken at its end. Both work on x̂_0, or on ε̂, with
 * λ = ln(α/σ_t) as the time. All tensors: α x_0 + σ_t ε, [B, h, w, C].
 */
import { scoped, type Tensor } from '../engine';
import { lambdaOf } from './dpm-solver';
import { limited } from './limits';
import { solveLinear } from './linear-system';
import { readPrediction } from './prediction';
import { Recent } from './recent';
import { mixtureAt, type RunOptions, type SamplerRun, solverFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { solverPath } from './sigma-path';
import { weightedSum } from './weighted-sum';

/** A step, its numbers: where it starts and ends, and where earlier values stand. */
export interface UnipcStep {
  readonly config: Pick<SamplerConfig, 'predictX0' | 'unipcSolverType'>;
  /** Noise levels σ_t/α: where the step ends, where it starts, and of the steps before, the newest first. */
  readonly sigmas: readonly number[];
}

/** Weights of one step of order p = values before or at its start. */
export interface UnipcWeights {
  readonly sample: number;
  /** Of the value m_0 where the step starts. */
  readonly value: number;
  /** Of the differences (m_k − m_0)/r_k, k = 1 … p − 1; for the corrector one more: (m_t − m_0). */
  readonly differences: readonly number[];
  /** r_k = (λ_k − λ_0)/h, k = 1 … p − 1 */
  readonly ratios: readonly number[];
}

/** Equations 3 to 9: the coefficients a_k from the system R a = b, times B(h). */
export function unipcWeights(role: 'predictor' | 'corrector', step: UnipcStep): UnipcWeights {
  const { predictX0, unipcSolverType } = step.config;
  const [end = 0, start = 0, ...before] = step.sigmas;
  const [from, to] = [mixtureAt(start), mixtureAt(end)];
  const h = lambdaOf(end) - lambdaOf(start);
  const ratios = before.map((sigma) => (lambdaOf(sigma) - lambdaOf(start)) / h);
  const z = predictX0 ? -h : h;
  const growth = Math.expm1(z); // h φ_1(h)
  const B = unipcSolverType === 'bh1' ? z : growth;
  const scale = predictX0 ? to.signal : to.noise;

  const points = role === 'corrector' ? [...ratios, 1] : ratios;
  return {
    sample: predictX0 ? to.noise / from.noise : to.signal / from.signal,
    value: -scale * growth,
    differences: coefficients(points, z, B).map((a) => -scale * B * a),
    ratios,
  };
}

/** a_1 … a_n: one half where there is one only (a degenerate case, remark D.7), else Σ_k a_k r_k^(i−1) = b_i. */
function coefficients(points: readonly number[], z: number, B: number): number[] {
  if (points.length <= 1) return points.map(() => 0.5);
  const rows = points.map((_, i) => points.map((r) => r ** i));
  const b: number[] = [];
  let phi = Math.expm1(z) / z - 1; // h φ_2(h), and on
  let factorial = 1;
  for (let i = 1; i <= points.length; i++) {
    b.push((phi * factorial) / B);
    factorial *= i + 1;
    phi = phi / z - 1 / factorial;
  }
  return solveLinear(rows, b);
}

/** What was known at the start of a step: `values` m_0, m_1, …, the newest first, as many as the order. */
export interface UnipcState {
  readonly sample: Tensor;
  readonly values: readonly Tensor[];
}

/** The predictor; with the value `reached` at the end of the step the corrector. */
export const unipcStep = scoped(
  'unipcStep',
  (step: UnipcStep, { sample, values }: UnipcState, reached?: Tensor): Tensor => {
    const weights = unipcWeights(reached ? 'corrector' : 'predictor', step);
    const [m0, ...before] = values as [Tensor, ...Tensor[]];
    const differences = before.map((m, k) => m.sub(m0).div(weights.ratios[k] ?? 1));
    if (reached) differences.push(reached.sub(m0));
    return weightedSum([
      [sample, weights.sample],
      [m0, weights.value],
      ...differences.map((d, k) => [d, weights.differences[k] ?? 0] as const),
    ]);
  },
);

/** x̂_0, and what is expanded: it, or ε̂. */
const unipcReading = scoped(
  'unipcReading',
  (config: SamplerConfig, modelPred: Tensor, sample: Tensor, sigma: number) => {
    const reading = readPrediction(config.predictionType, modelPred, sample, mixtureAt(sigma));
    const predOriginal = limited(reading.predOriginal, config);
    return config.predictX0
      ? { value: predOriginal, predOriginal }
      : { value: reading.noisePred, predOriginal: reading.predOriginal };
  },
);

/** A run: each step corrects the one before it, then predicts. */
export function startUnipc(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0 }: RunOptions,
): SamplerRun {
  const path = solverPath(config, schedule, numInferenceSteps);
  const steps = path.timesteps.length;
  const values = new Recent(config.solverOrder);
  const start = new Recent(1); // the sample where the last step began, corrected
  let order = 0; // of the last step
  const numbers = (end: number): UnipcStep => ({
    config,
    sigmas: Array.from({ length: order + 1 }, (_, k) => path.sigmas[end - k] ?? 0),
  });
  const state = (sample: Tensor): UnipcState => ({
    sample,
    values: Array.from({ length: order }, (_, k) => values.at(k)),
  });
  const step = scoped('startUnipc', (index: number, modelPred: Tensor, sample: Tensor) => {
    const at = begin + index;
    const { value, predOriginal } = unipcReading(config, modelPred, sample, path.sigmas[at] ?? 0);
    const isCorrected = start.length > 0 && !config.disableCorrector.includes(at - 1);
    const corrected = isCorrected ? unipcStep(numbers(at), state(start.at(0)), value) : sample;

    values.push(value);
    start.push(corrected);
    const most = config.lowerOrderFinal
      ? Math.min(config.solverOrder, steps - at)
      : config.solverOrder;
    order = Math.min(most, values.length);
    return { prevSample: unipcStep(numbers(at + 1), state(corrected)), predOriginal };
  });
  const dispose = () => {
    for (const held of [values, start]) held.dispose();
  };
  return { ...solverFrame(path, begin), step, dispose };
}
