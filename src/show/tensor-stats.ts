/** Numbers that sum a tensor up. A large one is reduced piece by piece where it is, and never read as a whole. */
import { noGrad, scalar, type Tensor, tensor, tidy } from '../engine';
import { bool, call, callTyped, dtype, intConstant } from '../engine/ops/call';

/** Of the finite numbers; undefined where there is none. */
export interface Moments {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the population: divided by the count. */
  readonly std: number;
}

export interface TensorStats {
  readonly nan: number;
  /** Of either sign. */
  readonly infinite: number;
  readonly finite: Moments | undefined;
}

/** Up to this many numbers are read and summed up in double precision. */
const READ_WHOLE = 4096;
/** Numbers reduced at once: 4 MB of float32, whose counts float32 holds exactly. */
const PIECE = 2 ** 20;

/** `x`: any shape and type; bool counts as 0 and 1. */
export function tensorStats(x: Tensor): TensorStats {
  const parts =
    x.size <= READ_WHOLE ? [summedUp(x.dataSync())] : pieces(x).map((piece) => reduced(x, piece));
  return joined(parts);
}

/** How many of the finite numbers lie in each of `bins` equal parts of [min, max]. */
export function histogram(x: Tensor, { finite }: TensorStats, bins = 32): number[] {
  const counts = new Array<number>(bins).fill(0);
  if (!finite || finite.min === finite.max) return counts;
  const { min, max } = finite;
  if (x.size <= READ_WHOLE) {
    for (const value of x.dataSync()) {
      if (!Number.isFinite(value)) continue;
      const bin = Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts;
  }
  for (const piece of pieces(x))
    for (const [i, n] of histogramOfPiece(x, piece, [min, max], bins).entries())
      counts[i] = (counts[i] ?? 0) + n;
  return counts;
}

/** Sums of a part of the numbers; `squares` are of distances from its own mean. */
interface Part {
  readonly nan: number;
  readonly infinite: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly squares: number;
}

function summedUp(values: Iterable<number>): Part {
  const all = [...values];
  const finite = all.filter(Number.isFinite);
  const nan = all.filter(Number.isNaN).length;
  const count = finite.length;
  const mean = finite.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
  return {
    nan,
    infinite: all.length - count - nan,
    count,
    min: Math.min(...finite),
    max: Math.max(...finite),
    mean,
    squares: finite.reduce((sum, value) => sum + (value - mean) ** 2, 0),
  };
}

/** Parts as one (Chan, Golub and LeVeque 1983). */
function joined(parts: readonly Part[]): TensorStats {
  const total = (of: (part: Part) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  const count = total((part) => part.count);
  const found = { nan: total(({ nan }) => nan), infinite: total(({ infinite }) => infinite) };
  if (count === 0) return { ...found, finite: undefined };
  const mean = total((part) => part.count * part.mean) / count;
  const squares = total((part) => part.squares + part.count * (part.mean - mean) ** 2);
  const min = Math.min(...parts.map((part) => part.min));
  const max = Math.max(...parts.map((part) => part.max));
  return { ...found, finite: { min, max, mean, std: Math.sqrt(squares / count) } };
}

type Piece = readonly [begin: number, size: number];

function pieces({ size }: Tensor): Piece[] {
  const count = Math.ceil(size / PIECE);
  return Array.from({ length: count }, (_, i) => [i * PIECE, Math.min(PIECE, size - i * PIECE)]);
}

/** A stretch of the numbers, [size], float32. */
const stretch = (x: Tensor, [begin, size]: Piece) =>
  x.reshape([-1]).slice([begin], [size]).cast('float32');

const count = (mask: Tensor) => mask.cast('float32').sum().item();

const f32 = { T: dtype('float32') };

/** `x` where the mask holds, elsewhere `value`. */
const masked = (mask: Tensor, x: Tensor, value: number) =>
  call('SelectV2', f32, [mask, x, scalar(value)]);

function extreme(name: 'Min' | 'Max', x: Tensor): number {
  const attributes = { ...f32, Tidx: dtype('int32'), keep_dims: bool(false) };
  return call(name, attributes, [x, intConstant([0])]).item();
}

function reduced(tensorOfAll: Tensor, piece: Piece): Part {
  return tidy(() =>
    noGrad(() => {
      const x = stretch(tensorOfAll, piece);
      const isNumber = callTyped('IsFinite', [x]);
      const finite = count(isNumber);
      const nan = count(callTyped('IsNan', [x]));
      const mean = masked(isNumber, x, 0).sum().item() / Math.max(1, finite);
      const distances = masked(isNumber, x.sub(mean), 0);
      return {
        nan,
        infinite: piece[1] - finite - nan,
        count: finite,
        min: extreme('Min', masked(isNumber, x, Number.POSITIVE_INFINITY)),
        max: extreme('Max', masked(isNumber, x, Number.NEGATIVE_INFINITY)),
        mean,
        squares: distances.square().sum().item(),
      };
    }),
  );
}

function histogramOfPiece(all: Tensor, piece: Piece, [min, max]: Piece, bins: number): number[] {
  return tidy(() =>
    noGrad(() => {
      const x = stretch(all, piece);
      const isNumber = callTyped('IsFinite', [x]);
      const attributes = { ...f32, dtype: dtype('int32') };
      const inputs = [masked(isNumber, x, min), tensor([min, max], [2]), intConstant(bins)];
      const counts = Array.from(call('HistogramFixedWidth', attributes, inputs).dataSync());
      counts[0] = (counts[0] ?? 0) - (piece[1] - count(isNumber)); // those that were put at the minimum
      return counts;
    }),
  );
}
