import { autocast } from '../../engine';
import type { Precision } from './catalogue';

/** Runs `fn` in a precision. */
export const inPrecision = <T>(precision: Precision, fn: () => T): T =>
  autocast(precision === 'bf16' ? 'bf16' : 'no', fn);
