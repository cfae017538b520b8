/** What scores of two models' pictures, same prompts and same seeds, allow to be said. */
import type { BootstrapOptions } from '../bootstrap';
import { bcaMean, bcMedian, type Clusters, type Estimate, resamples } from './bca';
import { halfWidth, promptsNeeded, type SignTest, signTest } from './sign-test';
import { mean, type SeedSpread, seedSpread, type VarianceParts, varianceParts } from './variance';

/** Scores of one model: [prompts][seeds]. */
export type ScoreTable = Clusters;

export interface CompareScoresOptions extends BootstrapOptions {
  /** Scores no further apart than this are a tie, which counts half. @default 0 */
  readonly tieEpsilon?: number;
  /** For each prompt, its category of each kind: `{ Category: 'Animals', Challenge: 'Basic' }`. */
  readonly categories?: readonly Categories[];
}

export type Categories = { readonly [kind: string]: string };

/** The prompts of one category. */
export interface CategoryRate {
  readonly kind: string;
  readonly category: string;
  /** Prompts. */
  readonly n: number;
  readonly rate: number;
  /** With its interval, where there are enough prompts to have one. */
  readonly interval?: Estimate;
}

export interface ScoreComparison {
  /** Share of pairs in which the challenger's score is higher, ties counting half. */
  readonly winRate: Estimate;
  /** Pictures against pictures. */
  readonly pairs: { readonly wins: number; readonly losses: number; readonly ties: number };
  readonly meanDifference: Estimate;
  readonly medianDifference: Estimate;
  /** Prompts against prompts: one is won where more than half of its pairs are. */
  readonly signTest: SignTest;
  readonly seeds: SeedSpread;
  /** Of the outcomes; missing where there is one seed or one prompt. */
  readonly variance?: VarianceParts;
  readonly categories: readonly CategoryRate[];
  /** What a reader has to know before believing the rest. */
  readonly warnings: readonly string[];
}

/** Below this many prompts a category has a rate and no interval. */
const FEWEST = 10;

/** A win rate known worse than to these points gets a warning. */
const WIDEST = 0.1;

/**
 * Compares scores pair by pair. Prompts are what is drawn again by the bootstrap, all seeds of one together: pictures of
 * one prompt are not independent.
 * @throws RangeError where the tables differ in form, or a score is no number
 */
export function compareScores(
  challenger: ScoreTable,
  base: ScoreTable,
  options: CompareScoresOptions = {},
): ScoreComparison {
  const { tieEpsilon = 0, categories = [], ...bootstrap } = options;
  const differences = differenceTable(challenger, base);
  const outcomes = differences.map((row) => row.map((d) => outcomeOf(d, tieEpsilon)));
  const drawn = resamples(differences.length, bootstrap);
  const winRate = bcaMean(outcomes, drawn);
  const count = (value: number) => outcomes.flat().filter((outcome) => outcome === value).length;
  const variance = varianceParts(outcomes);
  const perCategory = categoryRates(outcomes, categories, bootstrap);
  return {
    winRate,
    pairs: { wins: count(1), losses: count(0), ties: count(0.5) },
    meanDifference: bcaMean(differences, drawn),
    medianDifference: bcMedian(differences, drawn),
    signTest: signTest(outcomes.map(mean)),
    seeds: seedSpread(outcomes),
    ...(variance ? { variance } : {}),
    categories: perCategory,
    warnings: warningsOf(winRate, perCategory),
  };
}

/** 1 a win, 0 a loss, ½ a tie. */
export function outcomeOf(difference: number, tieEpsilon = 0): number {
  if (Math.abs(difference) <= tieEpsilon) return 0.5;
  return difference > 0 ? 1 : 0;
}

function differenceTable(challenger: ScoreTable, base: ScoreTable): Clusters {
  if (challenger.length !== base.length)
    throw new RangeError(
      `Scores of ${challenger.length} prompts are compared with those of ${base.length}.`,
    );
  return challenger.map((row, p) => {
    const other = base[p] ?? [];
    if (row.length !== other.length || row.length === 0)
      throw new RangeError(
        `Prompt ${p} has ${row.length} scores of one model and ${other.length} of the other; it takes as many, and at least one.`,
      );
    return row.map((score, s) => {
      const difference = score - (other[s] ?? Number.NaN);
      if (Number.isNaN(difference))
        throw new RangeError(`A score of prompt ${p}, seed ${s} is not a number.`);
      return difference;
    });
  });
}

export function categoryRates(
  outcomes: Clusters,
  categories: readonly Categories[],
  bootstrap: BootstrapOptions,
): CategoryRate[] {
  const groups = new Map<string, { kind: string; category: string; rows: number[][] }>();
  for (const [p, own] of categories.entries())
    for (const [kind, category] of Object.entries(own)) {
      const key = JSON.stringify([kind, category]);
      const group = groups.get(key) ?? { kind, category, rows: [] };
      group.rows.push([...(outcomes[p] ?? [])]);
      groups.set(key, group);
    }
  const order = [...new Set(categories.flatMap((own) => Object.keys(own)))];
  return [...groups.values()]
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || b.rows.length - a.rows.length)
    .map(({ kind, category, rows }) => {
      const rate = mean(rows.map(mean));
      const n = rows.length;
      if (n < FEWEST) return { kind, category, n, rate };
      return { kind, category, n, rate, interval: bcaMean(rows, resamples(n, bootstrap)) };
    });
}

function warningsOf(winRate: Estimate, categories: readonly CategoryRate[]): string[] {
  const { value, low, high, n } = winRate;
  const warnings: string[] = [];
  const points = (share: number) => (100 * share).toFixed(1);
  const isEven = low <= 0.5 && high >= 0.5;
  if (halfWidth(n) > WIDEST)
    warnings.push(`n = ${n} prompts tell a win rate to ±${points(halfWidth(n))} points at best.`);
  if (isEven && value !== 0.5)
    warnings.push(
      `${points(value)} % is not told from 50 % by ${n} prompts; to tell it takes about ${promptsNeeded(value)}.`,
    );
  if (low === high && n > 1)
    warnings.push(
      `All ${n} prompts came out alike, so that drawing them again has no spread; the exact 95 % bound is ${points(0.025 ** (1 / n))} % of prompts alike.`,
    );
  const told = categories.filter(
    ({ interval }) => interval && (interval.low > 0.5 || interval.high < 0.5),
  );
  if (isEven && told.length > 0 && categories.length >= 5)
    warnings.push(
      `${told.length} of ${categories.length} categories differ from 50 %; by chance alone one in twenty does.`,
    );
  return warnings;
}
