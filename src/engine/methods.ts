import type { DType } from './dtype';
import * as ops from './ops';
import { Tensor } from './tensor';

type Operand = Tensor | number;

declare module './tensor' {
  /** Operations as methods; numbers and shapes broadcast as in NumPy, gradients flow through all. */
  interface Tensor {
    add(other: Operand): Tensor;
    sub(other: Operand): Tensor;
    mul(other: Operand): Tensor;
    div(other: Operand): Tensor;
    minimum(other: Operand): Tensor;
    maximum(other: Operand): Tensor;
    /** Element-wise `this > other`, as float32 zeros and ones; carries no gradient. */
    greater(other: Operand): Tensor;
    /** Limits to [low, high]; the gradient passes where the value was inside, as torch.clamp. */
    clip(low: number, high: number): Tensor;
    neg(): Tensor;
    abs(): Tensor;
    square(): Tensor;
    sqrt(): Tensor;
    exp(): Tensor;
    log(): Tensor;
    sigmoid(): Tensor;
    tanh(): Tensor;
    /** `log(1 + exp(x))` without overflow; −log σ(x) is `x.neg().softplus()`. */
    softplus(): Tensor;
    /** Sum over `axes` (default: all, giving a scalar). */
    sum(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor;
    /** Mean over `axes` (default: all, giving a scalar). */
    mean(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor;
    /** Same elements under another shape; one dimension may be −1. No copy. */
    reshape(shape: readonly number[]): Tensor;
    transpose(permutation: readonly number[]): Tensor;
    expandDims(axis: number): Tensor;
    /** The block that starts at `begin` with `size` elements along each axis (−1: to the end). */
    slice(begin: readonly number[], size: readonly number[]): Tensor;
    cast(dtype: DType): Tensor;
    /** Matrix product over the last two axes; leading axes must agree. */
    matmul(other: Tensor, options?: ops.MatmulOptions): Tensor;
  }
}

/** Makes an operation whose first argument is the tensor a method of it. */
const method = <A extends unknown[]>(op: (x: Tensor, ...args: A) => Tensor) =>
  function (this: Tensor, ...args: A): Tensor {
    return op(this, ...args);
  };

Object.assign(Tensor.prototype, {
  add: method(ops.add),
  sub: method(ops.sub),
  mul: method(ops.mul),
  div: method(ops.div),
  minimum: method(ops.minimum),
  maximum: method(ops.maximum),
  greater: method(ops.greater),
  clip: method((x, low: number, high: number) => ops.minimum(ops.maximum(x, low), high)),
  neg: method(ops.neg),
  abs: method(ops.abs),
  square: method(ops.square),
  sqrt: method(ops.sqrt),
  exp: method(ops.exp),
  log: method(ops.log),
  sigmoid: method(ops.sigmoid),
  tanh: method(ops.tanh),
  softplus: method(ops.softplus),
  sum: method(ops.sum),
  mean: method(ops.mean),
  reshape: method(ops.reshape),
  transpose: method(ops.transpose),
  expandDims: method(ops.expandDims),
  slice: method(ops.slice),
  cast: method(ops.cast),
  matmul: method(ops.matmul),
});
