import { fused } from '../backend';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { absent, bool, call, callFloat, callInPlace, dtype, string, zeroFilled } from './call';
import { reshape } from './shape';

export interface MatmulOptions {
  /** Swaps the last two axes of the left factor. @default false */
  readonly transposeA?: boolean;
  /** Swaps the last two axes of the right factor. @default false */
  readonly transposeB?: boolean;
}

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  if (a.rank === 2) {
    const flags = { transpose_a: bool(transposeA), transpose_b: bool(transposeB) };
    return call('MatMul', { T: dtype('float32'), ...flags }, [a, b]);
  }
  const flags = { adj_x: bool(transposeA), adj_y: bool(transposeB) };
  return call('BatchMatMulV2', { T: dtype('float32'), ...flags }, [a, b]);
}

/** Matrix product over the last two axes; leading axes must agree. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Tensor {
  const batch = (t: Tensor) => t.shape.slice(0, -2).join();
  if (a.rank < 2 || a.rank !== b.rank || batch(a) !== batch(b))
    throw new RangeError(`matmul of [${a.shape}] and [${b.shape}]: leading axes must agree.`);
  const y = product(a, b, transposeA, transposeB);
  record([a, b], [y], [a, b], ([dy]) => {
    const g = dy as Tensor;
    const da = () =>
      transposeA ? product(b, g, transposeB, true) : product(g, b, false, !transposeB);
    const db = () =>
      transposeB ? product(g, a, true, transposeA) : product(a, g, !transposeA, false);
    return [a.requiresGrad ? da() : undefined, b.requiresGrad ? db() : undefined];
  });
  return y;
}

/** What follows a matrix product or convolution in the same pass. */
export interface Epilogue {
  /** Added to every row, [C]. */
  readonly bias?: Tensor | undefined;
  /** Added element by element, shaped like the result. */
  readonly residual?: Tensor | undefined;
}

/** Adds bias and residual to `y`, which nobody else holds: in place where a kernel can. */
export function applyEpilogue(y: Tensor, { bias, residual }: Epilogue): Tensor {
  if (!bias && !residual) return y;
  if (fused()) return callFloat('DpoBiasResidual', [y, bias ?? absent(), residual ?? absent()]);
  const biased = bias
    ? call('BiasAdd', { T: dtype('float32'), data_format: string('NHWC') }, [y, bias])
    : y;
  return residual ? callFloat('AddV2', [biased, residual]) : biased;
}

/** Column sums of `dy` [.., C]; straight into the flat gradient where the bias is a weight's view. */
export function biasGradient(dy: Tensor, bias: Tensor | undefined): Tensor | undefined {
  if (!bias?.requiresGrad) return undefined;
  const into = fused() ? bias.sink?.view : undefined;
  if (!into) return call('BiasAddGrad', { T: dtype('float32'), data_format: string('NHWC') }, [dy]);
  callInPlace('DpoBiasGradInto', { T: dtype('float32') }, [dy, into]);
  return undefined;
}

/** Largest weight whose product is ours: from here on oneDNN's was up to a tenth faster (Zen 4). */
const OWN_WEIGHTS = 2 ** 19;

/**
 * Lets `add` add the gradient of `weight` to its flat gradient, or to zeros where it has none of
 * its own. Returns the gradient in the second case.
 */
export function gradientInto(weight: Tensor, add: (gradient: Tensor) => void): Tensor | undefined {
  if (!weight.requiresGrad) return undefined;
  const view = weight.sink?.view;
  const gradient = view ?? zeroFilled(weight.shape);
  add(gradient);
  return view ? undefined : gradient;
}

/**
 * `x · weightᵀ + bias + residual`: PyTorch's Linear. `x`: [.., in], `weight`: [out, in].
 * A `residual` is shaped like the result [.., out].
 */
export function linear(x: Tensor, weight: Tensor, epilogue: Epilogue = {}): Tensor {
  const [, width = 0] = weight.shape;
  if (x.rank < 1 || x.shape[x.rank - 1] !== width)
    throw new RangeError(`linear of [${x.shape}] with a weight [out, in] of [${weight.shape}].`);
  const method = fused() && weight.size <= OWN_WEIGHTS ? fusedLinear : plainLinear;
  return method(x, weight, epilogue);
}

function fusedLinear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue): Tensor {
  const y = callFloat('DpoLinear', [x, weight, bias ?? absent(), residual ?? absent()]);
  record([x, weight, bias, residual], [y], [x, weight], ([dy]) => {
    const g = dy as Tensor;
    const dw = (into: Tensor) =>
      callInPlace('DpoLinearWeightGradInto', { T: dtype('float32') }, [g, x, into]);
    return [
      x.requiresGrad ? callFloat('DpoLinearInputGrad', [g, weight]) : undefined,
      gradientInto(weight, dw),
      biasGradient(g, bias),
      g,
    ];
  });
  return y;
}

function plainLinear(x: Tensor, weight: Tensor, epilogue: Epilogue): Tensor {
  const [out = 0, width = 0] = weight.shape;
  const { bias } = epilogue;
  const rows = reshapeRows(x, width);
  const residual = epilogue.residual && reshapeRows(epilogue.residual, out);
  const y = applyEpilogue(product(rows, weight, false, true), { bias, residual });
  record([rows, weight, bias, residual], [y], [rows, weight], ([dy]) => {
    const g = dy as Tensor;
    return [
      rows.requiresGrad ? product(g, weight, false, false) : undefined,
      weight.requiresGrad ? product(g, rows, true, false) : undefined,
      biasGradient(g, bias),
      g,
    ];
  });
  return x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), out]);
}

/** [.., C] → [rows, C]. */
const reshapeRows = (x: Tensor, width: number) =>
  x.rank === 2 ? x : reshape(x, [x.size / Math.max(width, 1), width]);
