import { record } from '../tape';
import type { Tensor } from '../tensor';
import { bool, call, callTyped, dtype, intConstant, typeOf } from './call';
import { widened } from './cast';
import { broadcastTo, reshape } from './shape';

/** How a reduction shapes its result. */
export interface ReduceOptions {
  /** Keeps the reduced axes with length 1. @default false */
  readonly keepDims?: boolean;
}

function axisList(x: Tensor, axes: number | readonly number[] | undefined): number[] {
  const list = axes === undefined ? x.shape.map((_, i) => i) : [axes].flat();
  return list.map((axis) => {
    const positive = axis < 0 ? axis + x.rank : axis;
    if (positive < 0 || positive >= x.rank)
      throw new RangeError(`Axis ${axis} is outside a tensor of shape [${x.shape}].`);
    return positive;
  });
}

/** Sum over `axes` (default: all). float32 for bfloat16. */
export function sum(
  terms: Tensor,
  axes?: number | readonly number[],
  { keepDims = false }: ReduceOptions = {},
): Tensor {
  const x = widened(terms);
  const list = axisList(x, axes);
  const attributes = { ...typeOf(x), Tidx: dtype('int32'), keep_dims: bool(keepDims) };
  const y = call('Sum', attributes, [x, intConstant(list)]);
  const kept = x.shape.map((d, i) => (list.includes(i) ? 1 : d));
  record([x], [y], [], ([dy]) => [broadcastTo(reshape(dy as Tensor, kept), x.shape)]);
  return y;
}

/** Mean over `axes` (default: all). float32 for bfloat16. */
export function mean(
  x: Tensor,
  axes?: number | readonly number[],
  options: ReduceOptions = {},
): Tensor {
  const n = axisList(x, axes).reduce((count, axis) => count * (x.shape[axis] ?? 1), 1);
  return sum(x, axes, options).mul(1 / n);
}

/** Softmax over the last axis. float32 for bfloat16. */
export function softmax(logits: Tensor): Tensor {
  const x = widened(logits);
  const y = callTyped('Softmax', [x]);
  record([x], [y], [y], ([dy]) => {
    const weighted = y.mul(dy as Tensor);
    return [weighted.sub(y.mul(sum(weighted, -1, { keepDims: true })))];
  });
  return y;
}

/** log(softmax(x)) over the last axis, without overflow. float32 for bfloat16. */
export function logSoftmax(logits: Tensor): Tensor {
  const x = widened(logits);
  const y = callTyped('LogSoftmax', [x]);
  record([x], [y], [y], ([dy]) => {
    const g = dy as Tensor;
    return [g.sub(y.exp().mul(sum(g, -1, { keepDims: true })))];
  });
  return y;
}
