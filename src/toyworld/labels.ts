/** Preference labels drawn from the judge's utilities, and the best that anybody can predict them. */

import type { Draws } from './draws';

/** Utilities closer than this look the same, and nobody prefers either. */
export const TIE_MARGIN = 0.06;

/** How steady the imagined person is: the utility difference at which e to 1 prefer the better picture. */
export const TEMPERATURE = 0.22;

/** `label_0` of Pick-a-Pic: 1 the first is preferred, 0 the second, ½ neither. */
export type Label = 0 | 0.5 | 1;

/** Probability that the first of two pictures is preferred (Bradley and Terry 1952). */
export function preferenceProbability(difference: number, temperature = TEMPERATURE): number {
  return 1 / (1 + Math.exp(-difference / temperature));
}

/**
 * Draws a label for two pictures of utilities `first` and `second`. Uses one number of `draws`
 * whatever comes of it.
 */
export function drawLabel(first: number, second: number, draws: Draws): Label {
  const difference = first - second;
  const wins = draws.chance(preferenceProbability(difference));
  if (Math.abs(difference) < TIE_MARGIN) return 0.5;
  return wins ? 1 : 0;
}

/**
 * Share of decided labels that a predictor who knows every utility gets right: the mean of
 * max(p, 1 − p) over pairs that are not ties. No predictor can expect more.
 * @throws RangeError if all pairs are ties
 */
export function bayesCeiling(
  differences: readonly number[],
  { temperature = TEMPERATURE }: { readonly temperature?: number } = {},
): number {
  const decided = differences.filter((d) => Math.abs(d) >= TIE_MARGIN);
  if (decided.length === 0) throw new RangeError('Every pair is a tie; there is no ceiling.');
  const right = decided.map((d) => preferenceProbability(Math.abs(d), temperature));
  return right.reduce((sum, p) => sum + p, 0) / decided.length;
}
