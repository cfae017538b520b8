import type { Clusters } from './bca';

/** Where the spread of outcomes comes from: other prompts, or other seeds of the same prompts. */
export interface VarianceParts {
  /** σ² of the prompts' own means; 0 where seeds explain all. */
  readonly prompts: number;
  /** σ² of the pictures of one prompt. */
  readonly seeds: number;
  /** Standard error of the overall mean, other prompts drawn as well. */
  readonly error: number;
  /** The part of it that more seeds of the same prompts would take away. */
  readonly errorOfSeeds: number;
}

/**
 * One-way random effects: x_ps = μ + prompt_p + seed_ps, by the mean squares between and within (Searle, Casella and
 * McCulloch 1992, section 3.5).
 * @param table [P prompts][S seeds], S the same for all
 * @returns undefined for one seed or one prompt, of which the parts cannot be told
 */
export function varianceParts(table: Clusters): VarianceParts | undefined {
  const P = table.length;
  const S = table[0]?.length ?? 0;
  if (table.some((row) => row.length !== S))
    throw new RangeError('The parts of a variance are told of prompts with equally many seeds.');
  if (P < 2 || S < 2) return undefined;
  const means = table.map(mean);
  const overall = mean(means);
  const between = (S * sumOf(means, (m) => (m - overall) ** 2)) / (P - 1);
  const within =
    sumOf(table, (row, p) => sumOf(row, (x) => (x - (means[p] ?? 0)) ** 2)) / (P * (S - 1));
  return {
    prompts: Math.max(0, (between - within) / S),
    seeds: within,
    error: Math.sqrt(between / (P * S)),
    errorOfSeeds: Math.sqrt(within / (P * S)),
  };
}

/** What each seed alone would have told. */
export interface SeedSpread {
  readonly rates: readonly number[];
  /** Standard deviation of the rates; undefined for one seed. */
  readonly deviation: number | undefined;
}

/** Mean outcome of each seed over all prompts, and how far those lie apart. */
export function seedSpread(table: Clusters): SeedSpread {
  const seeds = table[0]?.length ?? 0;
  const rates = Array.from({ length: seeds }, (_, s) => mean(table.map((row) => row[s] ?? 0)));
  const middle = mean(rates);
  const squares = sumOf(rates, (rate) => (rate - middle) ** 2);
  return { rates, deviation: seeds < 2 ? undefined : Math.sqrt(squares / (seeds - 1)) };
}

function sumOf<T>(items: readonly T[], of: (item: T, i: number) => number): number {
  return items.reduce((sum, item, i) => sum + of(item, i), 0);
}

export const mean = (values: readonly number[]): number => sumOf(values, (x) => x) / values.length;
