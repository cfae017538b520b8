/** Multistep DPM-Solver: the differences of a step come from the steps before it. See dpm-solver.ts. */
import { scoped, type Tensor } from '../engine';
import { dpmReading, dpmWeights, lambdaOf } from './dpm-solver';
import { Recent } from './recent';
import { type RunOptions, type SamplerRun, solverFrame } from './sampler-run';
import type { NoiseSchedule } from './schedule';
import type { SamplerConfig } from './scheduler-config';
import { solverPath } from './sigma-path';
import { weightedSum } from './weighted-sum';

/** What a step of first, second or third order starts from. */
export interface MultistepState {
  readonly sample: Tensor;
  /** What is expanded (x̂_0 or ε̂), the newest first; as many as the order. */
  readonly values: readonly Tensor[];
  /** Noise levels: where the step ends, where it starts, and of the steps before, the newest first. */
  readonly sigmas: readonly number[];
  readonly noise: Tensor | undefined;
}

/** One step, of the order for which there are values. Upstream: `DPMSolverMultistepScheduler.multistep_…_update`. */
export const multistepStep = scoped(
  'multistepStep',
  (config: SamplerConfig, { sample, values, sigmas, noise }: MultistepState): Tensor => {
    const [end = 0, start = 0] = sigmas;
    const weights = dpmWeights(config.algorithmType, start, end);
    const [h = 0, h0 = 0, h1 = 0] = sigmas
      .slice(1)
      .map((sigma, k) => lambdaOf(sigmas[k] ?? 0) - lambdaOf(sigma));
    const [m0, m1, m2] = values as [Tensor, Tensor?, Tensor?];
    const terms: [Tensor, number][] = [
      [sample, weights.sample],
      [m0, weights.value],
    ];
    if (m1) {
      const first = m0.sub(m1).mul(h / h0);
      if (m2) {
        const change = first.sub(m1.sub(m2).mul(h / h1));
        const slope = first.add(change.mul(h0 / (h0 + h1)));
        terms.push([slope, weights.slope], [change.mul(h / (h0 + h1)), weights.curvature]);
      } else {
        const { value, slope } = weights;
        terms.push([first, config.dpmSolverType === 'midpoint' ? value / 2 : slope]);
      }
    }
    if (noise) terms.push([noise, weights.noise]);
    return weightedSum(terms);
  },
);

/** The order of step number `at` of `steps`: low where little is remembered, and at the end of a short run or at σ = 0. */
function orderAt(config: SamplerConfig, at: number, steps: number, remembered: number): number {
  const { solverOrder, lowerOrderFinal, eulerAtFinal, finalSigmasType } = config;
  const lowers = lowerOrderFinal && steps < 15;
  const isLast = at === steps - 1;
  if (isLast && (eulerAtFinal || lowers || finalSigmasType === 'zero')) return 1;
  const most = at === steps - 2 && lowers ? 2 : 3;
  return Math.min(solverOrder, remembered, most);
}

/** A run. The stochastic variants draw noise in every step. */
export function startDpmMultistep(
  config: SamplerConfig,
  schedule: NoiseSchedule,
  numInferenceSteps: number,
  { begin = 0, drawNoise }: RunOptions,
): SamplerRun {
  const path = solverPath(config, schedule, numInferenceSteps);
  const { sigmas } = path;
  const history = new Recent(config.solverOrder);
  const isStochastic = config.algorithmType.startsWith('sde-');
  const step = scoped('dpmMultistepStep', (index: number, modelPred: Tensor, sample: Tensor) => {
    const at = begin + index;
    const { value, predOriginal } = dpmReading(config, modelPred, sample, sigmas[at] ?? 0);
    history.push(value);
    const order = orderAt(config, at, sigmas.length - 1, history.length);
    const prevSample = multistepStep(config, {
      sample,
      values: Array.from({ length: order }, (_, k) => history.at(k)),
      sigmas: Array.from({ length: order + 1 }, (_, k) => sigmas[at + 1 - k] ?? 0),
      noise: isStochastic ? drawNoise() : undefined,
    });
    return { prevSample, predOriginal };
  });
  return { ...solverFrame(path, begin), step, dispose: () => history.dispose() };
}
