import { fused } from '../backend';
import { isFloat } from '../dtype';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { callTyped, scalarConstant } from './call';
import { cast, promoted, widened } from './cast';
import { sum } from './reduce';
import { reshape } from './shape';

/** Sums a gradient of a broadcast result back to the shape of the operand. */
function sumTo(gradient: Tensor, shape: readonly number[]): Tensor {
  if (gradient.shape.length === shape.length && gradient.shape.every((d, i) => d === shape[i]))
    return gradient;
  const extra = gradient.rank - shape.length;
  const axes: number[] = [];
  gradient.shape.forEach((d, i) => {
    if (i < extra || (shape[i - extra] === 1 && d !== 1)) axes.push(i);
  });
  return cast(reshape(sum(gradient, axes), shape), gradient.dtype);
}

/** Both operands in one type; a number takes that of the tensor. */
const operands = (a: Tensor, b: Tensor | number) =>
  (typeof b === 'number' ? [a, scalarConstant(b, a.dtype)] : promoted([a, b])) as [Tensor, Tensor];

type BinaryGradient = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** A broadcasting operation of two operands; `da`, `db` are its partial derivatives times dy. */
function binary(name: string, da: BinaryGradient, db: BinaryGradient) {
  return (left: Tensor, right: Tensor | number): Tensor => {
    const [a, b] = operands(left, right);
    const y = callTyped(name, [a, b]);
    record([a, b], [y], [a, b, y], ([dy]) => {
      const g = dy as Tensor;
      return [
        a.requiresGrad ? sumTo(da(g, a, b, y), a.shape) : undefined,
        b.requiresGrad ? sumTo(db(g, a, b, y), b.shape) : undefined,
      ];
    });
    return y;
  };
}

export const mul = binary(
  'Mul',
  (dy, _a, b) => mul(dy, b),
  (dy, a) => mul(dy, a),
);
export const div = binary(
  'RealDiv',
  (dy, _a, b) => div(dy, b),
  (dy, _a, b, y) => neg(div(mul(dy, y), b)),
);

/** A sum or difference: its derivative needs no operand, so none is kept for the backward pass. */
function linearBinary(compute: (a: Tensor, b: Tensor) => Tensor, db: (dy: Tensor) => Tensor) {
  return (left: Tensor, right: Tensor | number): Tensor => {
    const [a, b] = operands(left, right);
    const y = compute(a, b);
    record([a, b], [y], [], ([dy]) => {
      const g = dy as Tensor;
      return [
        a.requiresGrad ? sumTo(g, a.shape) : undefined,
        b.requiresGrad ? sumTo(db(g), b.shape) : undefined,
      ];
    });
    return y;
  };
}

const sameShape = (a: Tensor, b: Tensor) => a.shape.join() === b.shape.join();

export const add = linearBinary(
  (a, b) => callTyped(fused() && isFloat(a.dtype) && sameShape(a, b) ? 'DpoAdd' : 'AddV2', [a, b]),
  (dy) => dy,
);
export const sub = linearBinary(
  (a, b) => callTyped('Sub', [a, b]),
  (dy) => neg(dy),
);

/** 1 where the comparison holds. A bool result is cast so that it multiplies. */
const compare = (name: string) => (left: Tensor, right: Tensor | number) => {
  const [a, b] = operands(left, right);
  return cast(callTyped(name, [a, b]), a.dtype);
};
export const greater = compare('Greater');
const greaterEqual = compare('GreaterEqual');
const lessEqual = compare('LessEqual');

export const minimum = binary(
  'Minimum',
  (dy, a, b) => mul(dy, lessEqual(a, b)),
  (dy, a, b) => mul(dy, greater(a, b)),
);
export const maximum = binary(
  'Maximum',
  (dy, a, b) => mul(dy, greaterEqual(a, b)),
  (dy, a, b) => mul(dy, greater(b, a)),
);

/** An operation of one operand; `dx` is dy times its derivative, from x and the result y. */
function unary(name: string, dx: (dy: Tensor, x: Tensor, y: Tensor) => Tensor) {
  return (x: Tensor): Tensor => {
    const y = callTyped(name, [x]);
    record([x], [y], [x, y], ([dy]) => [dx(dy as Tensor, x, y)]);
    return y;
  };
}

/** The operation in float32, whatever it is given. */
const wide = (operation: (x: Tensor) => Tensor) => (x: Tensor) => operation(widened(x));

export const neg = unary('Neg', (dy) => neg(dy));
export const abs = unary('Abs', (dy, x) => mul(dy, callTyped('Sign', [x])));
export const square = wide(unary('Square', (dy, x) => mul(dy, mul(x, 2))));
export const sqrt = wide(unary('Sqrt', (dy, _x, y) => div(dy, mul(y, 2))));
export const exp = wide(unary('Exp', (dy, _x, y) => mul(dy, y)));
export const log = wide(unary('Log', (dy, x) => div(dy, x)));
export const tanh = unary('Tanh', (dy, _x, y) => callTyped('TanhGrad', [y, dy]));
export const sigmoid = unary('Sigmoid', (dy, _x, y) => callTyped('SigmoidGrad', [y, dy]));
/** Gradient: dy · σ(x). */
export const softplus = wide(unary('Softplus', (dy, x) => mul(dy, sigmoid(x))));
/** Gauss error function; derivative 2/√π · exp(−x²). */
export const erf = wide(
  unary('Erf', (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))),
);

/** An activation by our kernel, or by its formula, which is computed in float32. The result has the type of `x`. */
function activation(kernel: string, formula: (x: Tensor) => Tensor) {
  return (x: Tensor): Tensor => {
    if (!fused()) return cast(formula(widened(x)), x.dtype);
    const y = callTyped(kernel, [x]);
    record([x], [y], [x], ([dy]) => [callTyped(`${kernel}Grad`, [dy as Tensor, x])]);
    return y;
  };
}

/** x · σ(x) (SiLU, Elfwing et al. 2017). */
export const silu = activation('DpoSilu', (x) => mul(x, sigmoid(x)));
/** x · Φ(x), the exact GELU (Hendrycks and Gimpel 2016). */
export const gelu = activation('DpoGelu', (x) =>
  mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
);
/** x · σ(1.702 x), the GELU of the original CLIP. */
export const quickGelu = activation('DpoQuickGelu', (x) => mul(x, sigmoid(mul(x, 1.702))));
