/** The cell that ends a section: a number worked out by hand against the one the program found. */
import type { Tensor } from '../engine';
import { DISPLAY, type Displayable } from './notebook';
import { escapeHtml, formatNumber } from './text';

type Numbers = Tensor | number | readonly number[];

/** A statement that turned out false. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
}

/**
 * Shows a tick when every number of `actual` is within `tolerance` of its expected one.
 *
 * @param tolerance - largest difference allowed. @default 1e-6
 * @throws CheckError that names both when one is not, or when their counts differ.
 */
export function check(
  what: string,
  actual: Numbers,
  expected: number | readonly number[],
  { tolerance = 1e-6 }: { readonly tolerance?: number } = {},
): Displayable {
  const found = toList(actual);
  const known = toList(expected);
  const isClose = (value: number, i: number) =>
    Math.abs(value - (known[i] ?? Number.NaN)) <= tolerance;
  const text = `${what}: ${listText(found)}`;
  if (found.length !== known.length || !found.every(isClose)) {
    throw new CheckError(`${text}, but it should be ${listText(known)}.`);
  }
  return tick(text);
}

/** Shows a tick when a statement holds. @throws CheckError that repeats the statement otherwise. */
export function checkThat(what: string, holds: boolean): Displayable {
  if (!holds) throw new CheckError(`This does not hold: ${what}.`);
  return tick(what);
}

function toList(numbers: Numbers): readonly number[] {
  if (typeof numbers === 'number') return [numbers];
  return 'dataSync' in numbers ? Array.from(numbers.dataSync()) : numbers;
}

function listText(values: readonly number[]): string {
  const shown = values.map((value) => formatNumber(value, 7)).join(', ');
  return values.length === 1 ? shown : `[${shown}]`;
}

function tick(text: string): Displayable {
  const html = `<span style="color:#1a7f37">✓</span> ${escapeHtml(text)}`;
  return { [DISPLAY]: () => ({ 'text/html': html, 'text/plain': `✓ ${text}` }) };
}
