import { fused } from '../backend';
import { isFloat, sizeOf } from '../dtype';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { call, callAll, dtype, int, intConstant, intMatrix, typeOf, zeroFilled } from './call';
import { cast, promoted } from './cast';

const i32 = dtype('int32');

/** Same elements under another shape; one dimension may be −1. No copy. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const known = sizeOf(shape.filter((d) => d !== -1));
  const full = shape.map((d) => (d === -1 ? x.size / known : d));
  if (sizeOf(full) !== x.size)
    throw new RangeError(`Shape [${x.shape}] cannot become [${shape}]: element counts differ.`);
  const y =
    fused() && isFloat(x.dtype)
      ? call('DpoReshape', typeOf(x), [x, intConstant(full)])
      : call('Reshape', { T: dtype(x.dtype), Tshape: i32 }, [x, intConstant(full)]);
  record([x], [y], [], ([dy]) => [reshape(dy as Tensor, x.shape)]);
  return y;
}

export function expandDims(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.rank + 1 : axis;
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const attributes = { T: dtype(x.dtype), Tperm: i32 };
  const y = call('Transpose', attributes, [x, intConstant(permutation)]);
  const inverse = permutation.map((_, i) => permutation.indexOf(i));
  record([x], [y], [], ([dy]) => [transpose(dy as Tensor, inverse)]);
  return y;
}

/** The block that starts at `begin` with `size` elements along each axis (−1: to the end). */
export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  const full = size.map((n, i) => (n === -1 ? (x.shape[i] ?? 0) - (begin[i] ?? 0) : n));
  const attributes = { T: dtype(x.dtype), Index: i32 };
  const y = call('Slice', attributes, [x, intConstant(begin), intConstant(full)]);
  const around = x.shape.map((d, i) => {
    const before = begin[i] ?? 0;
    return [before, d - before - (full[i] ?? 0)] as const;
  });
  record([x], [y], [], ([dy]) => [pad(dy as Tensor, around)]);
  return y;
}

/** Zeros around: `[before, after]` for each axis. */
export function pad(x: Tensor, around: readonly (readonly [number, number])[]): Tensor {
  const y = call('Pad', { T: dtype(x.dtype), Tpaddings: i32 }, [x, intMatrix(around)]);
  const begin = around.map(([before]) => before);
  record([x], [y], [], ([dy]) => [slice(dy as Tensor, begin, x.shape)]);
  return y;
}

/** A UNet's way of joining, for which there is an operation of ours. */
const areTwoOfChannels = (x: Tensor, axis: number, count: number) =>
  fused() && isFloat(x.dtype) && count === 2 && axis === x.rank - 1;

/** Joins tensors along `axis`; all other dimensions agree. float32 if any part is. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const tensors = promoted(parts);
  const [first] = tensors;
  if (!first) throw new RangeError('concat needs at least one tensor.');
  const at = axis < 0 ? axis + first.rank : axis;
  const attributes = { T: dtype(first.dtype), Tidx: i32, N: int(tensors.length) };
  const y = areTwoOfChannels(first, at, tensors.length)
    ? call('DpoConcatChannels', typeOf(first), tensors)
    : call('ConcatV2', attributes, [...tensors, intConstant(at)]);
  const sizes = tensors.map((t) => t.shape[at] ?? 0);
  record(tensors, [y], [], ([dy]) => split(dy as Tensor, sizes, at));
  return y;
}

/** Cuts `x` along `axis` into pieces of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  const at = axis < 0 ? axis + x.rank : axis;
  const attributes = { T: dtype(x.dtype), Tlen: i32, num_split: int(sizes.length) };
  const pieces = areTwoOfChannels(x, at, sizes.length)
    ? callAll('DpoSplitChannels', typeOf(x), [x, intConstant(sizes)], 2)
    : callAll('SplitV', attributes, [x, intConstant(sizes), intConstant(at)], sizes.length);
  record([x], pieces, [], (grads) => {
    const present = pieces.map((piece, i) => grads[i] ?? zeroFilled(piece.shape, piece.dtype));
    return [concat(present, at)];
  });
  return pieces;
}

/** Puts equally shaped tensors along a new axis. */
export const stack = (tensors: readonly Tensor[], axis = 0) =>
  concat(
    tensors.map((t) => expandDims(t, axis)),
    axis,
  );

/** Repeats axes of length 1 (and new leading axes) to reach `shape`. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  const y = call('BroadcastTo', { T: dtype(x.dtype), Tidx: i32 }, [x, intConstant(shape)]);
  const extra = shape.length - x.rank;
  const axes = shape.map((_, i) => i).filter((i) => i < extra || x.shape[i - extra] !== shape[i]);
  record([x], [y], [], ([dy]) => [cast(reshape((dy as Tensor).sum(axes), x.shape), x.dtype)]);
  return y;
}

/** Repeats the whole tensor `multiples[i]` times along axis i. */
export const tile = (x: Tensor, multiples: readonly number[]): Tensor =>
  multiples.reduce(
    (y, n, axis) =>
      n === 1
        ? y
        : concat(
            Array.from({ length: n }, () => y),
            axis,
          ),
    x,
  );

/** Rows of a table [V, D] by index (int32, any shape […]): […, D]. The gradient adds per row. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  const attributes = {
    Tparams: dtype(table.dtype),
    Tindices: i32,
    Taxis: i32,
    batch_dims: int(0),
  };
  const y = call('GatherV2', attributes, [table, indices, intConstant(0)]);
  const [rows = 0, width = 0] = table.shape;
  record([table], [y], [indices], ([dy]) => {
    const flat = reshape(indices, [-1]);
    const attributes2 = { T: dtype(table.dtype), Tindices: i32, Tnumsegments: i32 };
    const inputs = [reshape(dy as Tensor, [-1, width]), flat, intConstant(rows)];
    return [call('UnsortedSegmentSum', attributes2, inputs)];
  });
  return y;
}
