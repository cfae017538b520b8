/** What remains of a comparison when only who won is looked at. */
export interface SignTest {
  readonly wins: number;
  readonly losses: number;
  /** Left out of the test, as it is usual. */
  readonly ties: number;
  /** Two-sided: how probable it is that a fair coin splits as unevenly as this, or more so. */
  readonly p: number;
}

/**
 * The exact sign test of outcomes 0 … 1, one for each prompt, where more than ½ is a win: the binomial test of ½, without
 * an approximation (scipy's `binomtest`).
 */
export function signTest(outcomes: readonly number[]): SignTest {
  const wins = outcomes.filter((outcome) => outcome > 0.5).length;
  const losses = outcomes.filter((outcome) => outcome < 0.5).length;
  return { wins, losses, ties: outcomes.length - wins - losses, p: fairCoin(wins, wins + losses) };
}

/** P(|heads − n/2| ≥ |wins − n/2|) for n throws of a fair coin. */
export function fairCoin(wins: number, n: number): number {
  const rarer = Math.min(wins, n - wins);
  if (2 * rarer === n) return 1;
  let [log, tail] = [-n * Math.LN2, 0]; // log of the probability of k heads
  for (let k = 0; k <= rarer; k++) {
    tail += Math.exp(log);
    log += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

/**
 * Half of the widest 95 % interval that a win rate of n independent prompts has, 1.96 · √(¼ / n), which is that near one half:
 * 16 prompts know a rate to ±24.5 points.
 */
export const halfWidth = (n: number): number => 1.96 * Math.sqrt(0.25 / n);

/** How many prompts it takes until that is less than a difference from one half. */
export const promptsNeeded = (rate: number): number =>
  Math.ceil(0.25 * (1.96 / Math.abs(rate - 0.5)) ** 2);
