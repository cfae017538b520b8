import { mixedPrecision } from '../autocast';
import { onGpu } from '../backend';
import { type DType, isFloat } from '../dtype';
import { noGrad, record } from '../tape';
import type { Tensor } from '../tensor';
import { bool, call, dtype } from './call';

/**
 * Converts the element type; `x` itself where it has that already. A gradient passes between float types only, and
 * comes back as the type of `x`.
 */
export function cast(x: Tensor, to: DType): Tensor {
  if (x.dtype === to) return x;
  const y = call('Cast', { SrcT: dtype(x.dtype), DstT: dtype(to), Truncate: bool(false) }, [x]);
  if (isFloat(to) && isFloat(x.dtype))
    record([x], [y], [], ([dy]) => [cast(dy as Tensor, x.dtype)]);
  return y;
}

/** What matrix work computes with: bfloat16 under `autocast('bf16', …)`. */
export const forMatrixWork = (x: Tensor): Tensor =>
  mixedPrecision() === 'bf16' && x.dtype === 'float32' ? cast(x, 'bfloat16') : x;

/** What sums and powers compute with: float32, whatever the activations are. */
export const widened = (x: Tensor): Tensor => (x.dtype === 'bfloat16' ? cast(x, 'float32') : x);

/** Tensors as they meet in one operation: all in float32 where one of them is. */
export const promoted = (tensors: readonly Tensor[]): readonly Tensor[] =>
  tensors.some(({ dtype: type }) => type === 'float32') ? tensors.map(widened) : tensors;

/**
 * TensorFlow's own product or convolution of `a` and `b`, rounded once where they are bfloat16: on a processor without
 * instructions for it TensorFlow cuts its sums off instead, twice the error. Widening is exact.
 */
export function roundedOnce(a: Tensor, b: Tensor, run: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (onGpu || [a, b].every(({ dtype: type }) => type !== 'bfloat16')) return run(a, b);
  return noGrad(() => cast(run(widened(a), widened(b)), 'bfloat16'));
}
