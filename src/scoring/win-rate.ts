import { type BootstrapOptions, bootstrapMean, type Interval } from './bootstrap';

/** How often one model's picture beats another's on the same prompt and seed. */
export interface WinRate extends Interval {
  readonly wins: number;
  readonly losses: number;
  /** Equal scores; they count half. */
  readonly ties: number;
}

/**
 * Share of prompts on which `challenger` scores higher than `base`, ties counting half, with its
 * 95 % paired bootstrap interval. Both lists have one score per prompt, in the same order.
 */
export function winRate(
  challenger: readonly number[],
  base: readonly number[],
  options: BootstrapOptions = {},
): WinRate {
  if (challenger.length !== base.length)
    throw new RangeError(`${challenger.length} scores are compared with ${base.length}.`);
  const outcomes = challenger.map((score, i) => {
    const difference = score - (base[i] ?? Number.NaN);
    if (Number.isNaN(difference)) throw new RangeError(`Score ${i} is not a number.`);
    return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
  });
  const count = (value: number) => outcomes.filter((x) => x === value).length;
  return {
    ...bootstrapMean(outcomes, options),
    wins: count(1),
    losses: count(0),
    ties: count(0.5),
  };
}

/** `89.3 % (85.7–92.7, n = 300)` */
export function formatRate({ mean, low, high, n }: Interval): string {
  const percent = (x: number) => (100 * x).toFixed(1);
  return `${percent(mean)} % (${percent(low)}–${percent(high)}, n = ${n})`;
}
