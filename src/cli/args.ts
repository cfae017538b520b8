/** Types of command-line values. A wrong one ends the program with the flag, the value and what is allowed. */
import { type ArgumentParser, ArgumentTypeError } from 'argparse';
import type { MixedPrecision } from '../engine';

interface Range {
  readonly min?: number;
  readonly max?: number;
}

const within = (
  x: number,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Range,
) => x >= min && x <= max;

function described(kind: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (min !== undefined) return `${kind}, ${min} or more`;
  return max === undefined ? kind : `${kind}, ${max} or less`;
}

function refuse(value: string, allowed: string): never {
  throw new ArgumentTypeError(`'${value}' is not allowed; give ${allowed}`);
}

/** An integer in decimal digits, in a range and a multiple of a number. */
export function integer(range: Range & { readonly multipleOf?: number } = {}) {
  const { multipleOf = 1 } = range;
  const kind = multipleOf === 1 ? 'an integer' : `a multiple of ${multipleOf}`;
  return (value: string): number => {
    const x = Number(value);
    const isInteger = /^[+-]?\d+$/.test(value) && Number.isSafeInteger(x);
    if (!isInteger || x % multipleOf !== 0 || !within(x, range))
      refuse(value, described(kind, range));
    return x;
  };
}

/** A finite decimal number in a range. */
export const decimal =
  (range: Range = {}) =>
  (value: string): number => {
    const x = Number(value);
    if (
      !/\d/.test(value) ||
      !/^[-+.\de]+$/i.test(value) ||
      !Number.isFinite(x) ||
      !within(x, range)
    )
      refuse(value, described('a number', range));
    return x;
  };

/** A file name that ends in `extension`. */
export const fileName =
  (extension: string) =>
  (value: string): string =>
    value.toLowerCase().endsWith(extension)
      ? value
      : refuse(value, `a name that ends in ${extension}`);

/** What `--mixed_precision` takes: the names of accelerate. */
export type PrecisionName = MixedPrecision | 'fp16';

/** Adds `--mixed_precision`. */
export function addMixedPrecision(parser: ArgumentParser): void {
  parser.add_argument('--mixed_precision', {
    choices: ['no', 'fp16', 'bf16'],
    default: 'no',
    help: 'bf16: matrix work and activations in bfloat16, weights and sums in float32; default: no',
  });
}

/** The precision that is computed with; tells `say` where it is not the one asked for. */
export function computedPrecision(
  asked: PrecisionName,
  say: (line: string) => void,
): MixedPrecision {
  if (asked !== 'fp16') return asked;
  say(
    '--mixed_precision fp16: computing in bf16 instead, of the same size and with the range of float32.',
  );
  return 'bf16';
}
