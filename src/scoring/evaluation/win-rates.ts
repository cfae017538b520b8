import type { WinRate } from '../win-rate';
import type { ScoreComparison } from './compare-scores';

/** The win rate of a comparison with its counts of pairs, as tables of rates show it. */
export function winRateOf({ winRate, pairs }: ScoreComparison): WinRate {
  const { value: mean, low, high, n } = winRate;
  return { mean, low, high, n, ...pairs };
}
