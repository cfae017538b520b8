import type { Precision } from './catalogue';

/** Runs `fn` in a precision. */
export function inPrecision<T>(precision: Precision, fn: () => T): T {
  if (precision === 'bf16') throw new Error('The engine does not compute in bfloat16 yet.');
  return fn();
}
