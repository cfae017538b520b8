/** Labels made worse on purpose, to see what training makes of it. */
import { PythonRandom } from '../random';
import type { PreferencePair, PreferencePairs } from './pairs';

/** How a share of the labels is spoilt. */
export interface LabelNoise {
  /** Of the pairs, 0 to 1: their winners are exchanged. @default 0 */
  readonly flipped?: number;
  /** Of the pairs, 0 to 1: nobody's choice any more. @default 0 */
  readonly tied?: number;
  /** What becomes of ties: they are left out, or a coin chooses their winner. @default 'left out' */
  readonly ties?: 'left out' | 'a coin';
  /** Of which pairs these are. The pairs of a smaller share are among those of a larger one. @default 0 */
  readonly seed?: number;
}

/** How the labels compare with what they were. */
export interface NoiseCounts {
  readonly pairs: number;
  readonly flipped: number;
  readonly tied: number;
  /** Share of what is left with the winner of before. */
  readonly accuracy: number;
}

/**
 * The same pairs in the same order with a part of the labels spoilt: exactly `round(share · n)` are exchanged, and as
 * exactly others tied.
 *
 * @throws RangeError for shares that are none, together above 1, or that leave no pair
 */
export function withLabelNoise<T extends PreferencePairs>(
  data: T,
  { flipped = 0, tied = 0, ties = 'left out', seed = 0 }: LabelNoise,
): { readonly data: T; readonly counts: NoiseCounts } {
  if (!(flipped >= 0 && tied >= 0 && flipped + tied <= 1))
    throw new RangeError(
      `flipped is ${flipped} and tied ${tied}; they must be shares from 0 to 1, together too.`,
    );
  const { pairs: all } = data;
  const order = all.map((_, i) => i);
  const random = new PythonRandom(seed);
  random.shuffle(order);
  const coins = all.map(() => random.random() < 0.5);
  const [flips, tiesMade] = [flipped, tied].map((share) => Math.round(share * all.length));
  const exchange = new Set(order.slice(0, flips)); // from the front, ties from the end: each share grows by itself
  const tie = new Set(
    order.slice(all.length - Math.min(tiesMade ?? 0, all.length - exchange.size)),
  );
  const pairs = all.flatMap((pair, i) => {
    if (tie.has(i)) return ties === 'left out' ? [] : [coins[i] ? pair : exchanged(pair)];
    return [exchange.has(i) ? exchanged(pair) : pair];
  });
  if (pairs.length === 0) throw new RangeError('Nothing but ties is left.');
  const wrong = [...exchange, ...(ties === 'a coin' ? [...tie].filter((i) => !coins[i]) : [])];
  const accuracy = 1 - wrong.length / pairs.length;
  const counts = { pairs: pairs.length, flipped: exchange.size, tied: tie.size, accuracy };
  return { data: { ...data, pairs }, counts };
}

/** The pair with the other winner. */
export const exchanged = (pair: PreferencePair): PreferencePair => ({
  ...pair,
  winner: pair.loser,
  loser: pair.winner,
});
