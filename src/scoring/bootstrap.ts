import { TorchGenerator } from '../random';

/** A mean and the interval that holds 95 % of its resampled values. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

export interface BootstrapOptions {
  /** @default 10000 */
  readonly resamples?: number;
  /** @default 0 */
  readonly seed?: number;
}

/**
 * Percentile bootstrap of a mean (Efron 1979): the 2.5 % and 97.5 % quantiles of the means of
 * samples drawn with replacement. For paired comparisons each value belongs to one prompt, so
 * prompts are resampled, both models together.
 */
export function bootstrapMean(
  values: readonly number[],
  { resamples = 10_000, seed = 0 }: BootstrapOptions = {},
): Interval {
  const n = values.length;
  if (n === 0) throw new RangeError('A bootstrap needs at least one value.');
  const generator = new TorchGenerator(seed);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (const i of generator.randint(0, n, n)) sum += values[i] ?? Number.NaN;
    return sum / n;
  }).sort();
  const at = (q: number) => means[Math.round(q * (resamples - 1))] ?? Number.NaN;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  return { mean, low: at(0.025), high: at(0.975), n };
}
