import { TorchGenerator } from '../random';
import { exchanged } from './label-noise';
import type { PreferencePairs } from './pairs';

/** What a label control does to the winners. */
export type Relabelling = 'as labelled' | 'random' | 'reversed';

export interface RelabelOptions {
  /** Of the coins for random labels. @default 0 */
  readonly seed?: number;
}

/**
 * The same pairs with other winners: a coin's choice, or always the other picture. What still
 * improves under such labels does not come from the preferences.
 */
export function relabel(
  data: PreferencePairs,
  labels: Relabelling,
  { seed = 0 }: RelabelOptions = {},
): PreferencePairs {
  if (labels === 'as labelled') return data;
  const coins = new TorchGenerator(seed).randint(0, 2, data.pairs.length);
  const pairs = data.pairs.map((pair, i) =>
    labels === 'reversed' || coins[i] === 1 ? exchanged(pair) : pair,
  );
  return { ...data, pairs };
}
