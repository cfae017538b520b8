import { engineInfo, fused } from '../backend';
import { noGrad, record } from '../tape';
import type { Tensor } from '../tensor';
import {
  absent,
  bool,
  call,
  callInPlace,
  callTyped,
  dtype,
  string,
  typeOf,
  zeroFilled,
} from './call';
import { cast, forMatrixWork, promoted, roundedOnce, widened } from './cast';
import { add } from './elementwise';
import { reshape } from './shape';

export interface MatmulOptions {
  /** Swaps the last two axes of the left factor. @default false */
  readonly transposeA?: boolean;
  /** Swaps the last two axes of the right factor. @default false */
  readonly transposeB?: boolean;
}

const f32 = { T: dtype('float32') };

function product(left: Tensor, right: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return roundedOnce(left, right, (a, b) => {
    if (a.rank === 2) {
      const flags = { transpose_a: bool(transposeA), transpose_b: bool(transposeB) };
      return call('MatMul', { ...typeOf(a), ...flags }, [a, b]);
    }
    const flags = { adj_x: bool(transposeA), adj_y: bool(transposeB) };
    return call('BatchMatMulV2', { ...typeOf(a), ...flags }, [a, b]);
  });
}

/** Matrix product over the last two axes; leading axes must agree. */
export function matmul(
  left: Tensor,
  right: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Tensor {
  const [a, b] = promoted([left, right].map(forMatrixWork)) as [Tensor, Tensor];
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

const nhwc = { data_format: string('NHWC') };

/** Adds bias and residual to `y`, which nobody else holds: in place where a kernel can. */
export function applyEpilogue(y: Tensor, { bias, residual }: Epilogue): Tensor {
  if (!bias && !residual) return y;
  if (fused())
    return callTyped('DpoBiasResidual', [y, bias ?? absent(), residual ?? absent(y.dtype)]);
  const terms = [bias, residual].flatMap((t) => (t ? [widened(t)] : []));
  return noGrad(() => cast(terms.reduce(add, widened(y)), y.dtype)); // rounded once
}

/**
 * Lets `run` add bias and residual in its own pass; a residual of another type than `x` is added after it, and makes
 * the sum float32.
 */
export function withEpilogue(
  x: Tensor,
  { bias, residual }: Epilogue,
  run: (epilogue: Epilogue) => Tensor,
): Tensor {
  if (!residual || residual.dtype === x.dtype) return run({ bias, residual });
  return add(run({ bias }), residual);
}

/** Column sums of `dy` [.., C], in float32; straight into the flat gradient where the bias is a weight's view. */
export function biasGradient(dy: Tensor, bias: Tensor | undefined): Tensor | undefined {
  if (!bias?.requiresGrad) return undefined;
  if (!fused()) return call('BiasAddGrad', { ...f32, ...nhwc }, [widened(dy)]);
  const add = (into: Tensor) => callInPlace('DpoBiasGradInto', typeOf(dy), [dy, into]);
  return gradientsInto([bias], add)[0];
}

/**
 * Largest weight whose float32 product is ours. With AVX-512, oneDNN's was up to a tenth faster from here on (Zen 4);
 * with AVX2, TensorFlow's were up to a quarter slower at every size (Zen 3). In bfloat16 ours is as fast, and needs no
 * copy of the weight.
 */
const OWN_WEIGHTS = engineInfo().isa === 'avx2' ? Number.POSITIVE_INFINITY : 2 ** 19;

/**
 * Lets `add` add the gradients of several weights to their flat gradients, or to zeros where they have none of their
 * own, which are returned. A weight without a gradient gets an empty tensor to add to.
 */
export function gradientsInto(
  weights: readonly (Tensor | undefined)[],
  add: (...gradients: Tensor[]) => void,
): (Tensor | undefined)[] {
  const into = weights.map((w) =>
    w?.requiresGrad ? (w.sink?.view ?? zeroFilled(w.shape)) : absent(),
  );
  add(...into);
  return weights.map((w, i) =>
    w?.requiresGrad && !w.sink?.view ? cast(into[i] as Tensor, w.dtype) : undefined,
  );
}

/** Gradients of a matrix and of the bias that is added to its product: `add` adds both. */
export function productGradients(
  weight: Tensor,
  bias: Tensor | undefined,
  dy: Tensor,
  add: (dw: Tensor, dbias: Tensor) => void,
): (Tensor | undefined)[] {
  if (!weight.requiresGrad) return [undefined, biasGradient(dy, bias)];
  return gradientsInto([weight, bias], (dw, dbias) => add(dw as Tensor, dbias as Tensor));
}

/**
 * `x · weightᵀ + bias + residual`: PyTorch's Linear. `x`: [.., in], `weight`: [out, in].
 * A `residual` is shaped like the result [.., out].
 */
export function linear(input: Tensor, weight: Tensor, epilogue: Epilogue = {}): Tensor {
  const x = forMatrixWork(input);
  const [, width = 0] = weight.shape;
  if (x.rank < 1 || x.shape[x.rank - 1] !== width)
    throw new RangeError(`linear of [${x.shape}] with a weight [out, in] of [${weight.shape}].`);
  const ours = x.dtype === 'bfloat16' || weight.size <= OWN_WEIGHTS;
  const method = fused() && ours ? fusedLinear : plainLinear;
  return withEpilogue(x, epilogue, (inPass) => method(x, weight, inPass));
}

/** What a backward pass reads: the input only where the weight is not frozen. */
const operandsOf = (x: Tensor, weight: Tensor) => (weight.requiresGrad ? [x, weight] : [weight]);

function fusedLinear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue): Tensor {
  const types = { ...typeOf(x), W: dtype(weight.dtype) };
  const y = call('DpoLinear', types, [x, weight, bias ?? absent(), residual ?? absent(x.dtype)]);
  record([x, weight, bias, residual], [y], operandsOf(x, weight), ([dy]) => {
    const g = dy as Tensor;
    const gradients = productGradients(weight, bias, g, (dw, dbias) =>
      callInPlace('DpoLinearWeightGradInto', typeOf(x), [g, x, dw, dbias]),
    );
    return [
      x.requiresGrad ? call('DpoLinearInputGrad', types, [g, weight]) : undefined,
      ...gradients,
      g,
    ];
  });
  return y;
}

function plainLinear(x: Tensor, master: Tensor, epilogue: Epilogue): Tensor {
  const weight = cast(master, x.dtype);
  const [out = 0, width = 0] = weight.shape;
  const { bias } = epilogue;
  const rows = reshapeRows(x, width);
  const residual = epilogue.residual && reshapeRows(epilogue.residual, out);
  const y = applyEpilogue(product(rows, weight, false, true), { bias, residual });
  record([rows, weight, bias, residual], [y], operandsOf(rows, weight), ([dy]) => {
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
