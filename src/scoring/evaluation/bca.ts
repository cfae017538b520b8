/**
 * Bias-corrected and accelerated bootstrap intervals (Efron 1987; Efron and Tibshirani 1993, section 14.3) of means and
 * medians of values in clusters: several pictures of one prompt are drawn again together or not at all.
 */
import { TorchGenerator } from '../../random';
import type { BootstrapOptions } from '../bootstrap';
import { normalCdf, normalQuantile } from './normal';

/** Values that belong together, one list a prompt. */
export type Clusters = readonly (readonly number[])[];

/** A number and the interval of 95 % that its method gives. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Independent units: clusters. */
  readonly n: number;
  /** `BCa`; `BC` for a median, whose jackknife knows two values alone and no acceleration. */
  readonly method: 'BCa' | 'BC';
}

/** How often each of n clusters is drawn in each resample; several statistics share them. */
export interface Resamples {
  readonly n: number;
  readonly count: number;
  /** [count, n] */
  readonly times: Uint8Array;
}

/** Draws samples of n clusters with replacement. */
export function resamples(
  n: number,
  { resamples: count = 10_000, seed = 0 }: BootstrapOptions = {},
): Resamples {
  if (n === 0) throw new RangeError('A bootstrap needs at least one value.');
  const generator = new TorchGenerator(seed);
  const times = new Uint8Array(count * n); // that one is drawn 256 times does not happen: n is larger, or n times is all
  if (n === 1) return { n, count, times: times.fill(1) };
  for (let r = 0; r < count; r++)
    for (const i of generator.randint(0, n, n)) times[r * n + i] = (times[r * n + i] ?? 0) + 1;
  return { n, count, times };
}

/** A number of a sample, given how often each cluster is in it. */
type Statistic = (times: ArrayLike<number>) => number;

/** Mean of all values, with its interval. @throws RangeError where there is no value */
export const bcaMean = (clusters: Clusters, drawn: Resamples): Estimate =>
  estimate(meanOf(clusters), drawn, 'BCa');

/** Median of all values, with its bias-corrected interval. @throws RangeError where there is no value */
export const bcMedian = (clusters: Clusters, drawn: Resamples): Estimate =>
  estimate(medianOf(clusters), drawn, 'BC');

function estimate(statistic: Statistic, drawn: Resamples, method: Estimate['method']): Estimate {
  const { n, count, times } = drawn;
  const all = new Uint8Array(n).fill(1);
  const value = statistic(all);
  if (Number.isNaN(value)) throw new RangeError('A bootstrap needs values, all of them numbers.');
  const resampled = Float64Array.from({ length: count }, (_, r) =>
    statistic(times.subarray(r * n, (r + 1) * n)),
  ).sort();
  const without = (i: number) => statistic(all.map((_, k) => (k === i ? 0 : 1)));
  const a =
    method === 'BC' || n === 1 ? 0 : acceleration(Array.from({ length: n }, (_, i) => without(i)));
  const [low, high] = bcaInterval(value, resampled, a);
  return { value, low, high, n, method };
}

/** Ends of the 95 % interval. @param resampled sorted */
export function bcaInterval(
  value: number,
  resampled: Float64Array,
  a: number,
): readonly [low: number, high: number] {
  const z0 = biasCorrection(value, resampled);
  const end = (z: number) => quantile(resampled, normalCdf(z0 + (z0 + z) / (1 - a * (z0 + z))));
  const z = normalQuantile(0.975);
  return [end(-z), end(z)];
}

/** z₀ = Φ⁻¹(share of resampled values below the value, equal ones counting half). Equation 14.14. */
export function biasCorrection(value: number, resampled: Float64Array): number {
  let below = 0;
  for (const x of resampled) below += x < value ? 1 : x === value ? 0.5 : 0;
  const edge = 0.5 / resampled.length; // where all are on one side, the correction stays finite
  return normalQuantile(Math.min(1 - edge, Math.max(edge, below / resampled.length)));
}

/** a = Σ U³ / (6 (Σ U²)^1.5), U = mean − value, of the values that leave one cluster out. Equation 14.15. */
export function acceleration(jackknife: readonly number[]): number {
  const mean = jackknife.reduce((sum, x) => sum + x, 0) / jackknife.length;
  let [squares, cubes] = [0, 0];
  for (const x of jackknife) {
    squares += (mean - x) ** 2;
    cubes += (mean - x) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Between two sorted values in proportion, as numpy's `quantile`. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return below + (above - below) * (at - Math.floor(at));
}

function meanOf(clusters: Clusters): Statistic {
  const sums = clusters.map((values) => values.reduce((sum, x) => sum + x, 0));
  const counts = clusters.map((values) => values.length);
  return (times) => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < sums.length; i++) {
      const drawn = times[i] as number;
      sum += drawn * (sums[i] as number);
      count += drawn * (counts[i] as number);
    }
    return sum / count;
  };
}

/** The middle of the sorted values, or the mean of the two there. */
function medianOf(clusters: Clusters): Statistic {
  const sorted = clusters
    .flatMap((values, cluster) => values.map((value) => ({ value, cluster })))
    .sort((a, b) => a.value - b.value);
  return (times) => {
    let total = 0;
    for (const { cluster } of sorted) total += times[cluster] as number;
    const at = (rank: number) => {
      let seen = 0;
      for (const { value, cluster } of sorted) {
        seen += times[cluster] as number;
        if (seen > rank) return value;
      }
      return Number.NaN;
    };
    return (at(Math.floor((total - 1) / 2)) + at(Math.floor(total / 2))) / 2;
  };
}
