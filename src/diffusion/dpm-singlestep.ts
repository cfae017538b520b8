/**
 * Singlestep DPM-Solver: steps go in blocks of one, two or three, and the last one of a block starts again where the block
 * did, with differences from within it. See dpm-solver.ts.
 */
import { scoped, type Tensor } from '../engine';
import { dpmReading, dpmWeights, lambdaOf } from './dpm-solver';
import { Recent } from './recent';
import { type RunOptions, type SamplerRun, solverFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { solverPath } from './sigma-path';
import { weightedSum } from './weighted-sum';

/** The order of each step: blocks 1, 2, …, `solverOrder`; the last may be cut short. Upstream: `get_order_list`. */
export function singlestepOrders(config: SamplerConfig, steps: number): number[] {
  const { solverOrder: order, lowerOrderFinal, finalSigmasType } = config;
  const orders = Array.from({ length: steps }, (_, i) => (i % order) + 1);
  if ((lowerOrderFinal && steps % order === 0) || finalSigmasType === 'zero') orders[steps - 1] = 1;
  return orders;
}

/** What a step of first, second or third order starts from. */
export interface SinglestepState {
  /** Where the block began. */
  readonly sample: Tensor;
  /** What is expanded (x̂_0 or ε̂) at each step of the block so far, the newest first; as many as the order. */
  readonly values: readonly Tensor[];
  /** Noise levels: where the step ends, and at each step of the block, the newest first. */
  readonly sigmas: readonly number[];
  readonly noise: Tensor | undefined;
}

/** One step, of the order for which there are values. Upstream: `singlestep_dpm_solver_…_update`. */
export const singlestepStep = scoped(
  'singlestepStep',
  (config: SamplerConfig, { sample, values, sigmas, noise }: SinglestepState): Tensor => {
    const [end = 0, ...visited] = sigmas;
    const start = visited[visited.length - 1] ?? 0;
    const weights = dpmWeights(config.algorithmType, start, end);
    const isMidpoint = config.dpmSolverType === 'midpoint';
    const h = lambdaOf(end) - lambdaOf(start);
    const [r0 = 0, r1 = 0] = visited.map((sigma) => (lambdaOf(sigma) - lambdaOf(start)) / h);
    const [base, middle, newest] = [...values].reverse() as [Tensor, Tensor?, Tensor?];
    const terms: [Tensor, number][] = [
      [sample, weights.sample],
      [base, weights.value],
    ];
    if (middle && !newest) {
      const slope = middle.sub(base).div(r0);
      terms.push([slope, isMidpoint ? weights.value / 2 : weights.slope]);
    }
    if (middle && newest) {
      const [near, far] = [middle.sub(base).div(r1), newest.sub(base).div(r0)];
      const slope = near
        .mul(r0)
        .sub(far.mul(r1))
        .div(r0 - r1);
      terms.push([isMidpoint ? far : slope, weights.slope]);
      if (!isMidpoint) terms.push([far.sub(near).mul(2 / (r0 - r1)), weights.curvature]);
    }
    if (noise) terms.push([noise, weights.noise]);
    return weightedSum(terms);
  },
);

/** A run. The stochastic variant draws noise in every step. */
export function startDpmSinglestep(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0, drawNoise }: RunOptions,
): SamplerRun {
  const path = solverPath(config, schedule, numInferenceSteps);
  const { sigmas } = path;
  const orders = singlestepOrders(config, numInferenceSteps);
  const history = new Recent(config.solverOrder);
  const block = new Recent(1); // the sample where it began
  const isStochastic = config.algorithmType === 'sde-dpmsolver++';
  const step = scoped('dpmSinglestepStep', (index: number, modelPred: Tensor, sample: Tensor) => {
    const at = begin + index;
    const { value, predOriginal } = dpmReading(config, modelPred, sample, sigmas[at] ?? 0);
    history.push(value);
    const order = Math.min(orders[at] ?? 1, history.length);
    if (order === 1) block.push(sample);
    const prevSample = singlestepStep(config, {
      sample: block.at(0),
      values: Array.from({ length: order }, (_, k) => history.at(k)),
      sigmas: Array.from({ length: order + 1 }, (_, k) => sigmas[at + 1 - k] ?? 0),
      noise: isStochastic ? drawNoise() : undefined,
    });
    return { prevSample, predOriginal };
  });
  const dispose = () => {
    for (const held of [history, block]) held.dispose();
  };
  return { ...solverFrame(path, begin), step, dispose };
}
