import { type DType, isFloat } from '../dtype';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { bool, call, callFloat, dtype, scalarConstant } from './call';
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
  return reshape(sum(gradient, axes), shape);
}

type BinaryGradient = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** A broadcasting operation of two operands; `da`, `db` are its partial derivatives times dy. */
function binary(name: string, da: BinaryGradient, db: BinaryGradient) {
  return (a: Tensor, other: Tensor | number): Tensor => {
    const b = typeof other === 'number' ? scalarConstant(other) : other;
    const y = callFloat(name, [a, b]);
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
function linearBinary(name: string, db: (dy: Tensor) => Tensor) {
  return (a: Tensor, other: Tensor | number): Tensor => {
    const b = typeof other === 'number' ? scalarConstant(other) : other;
    const y = callFloat(name, [a, b]);
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

export const add = linearBinary('AddV2', (dy) => dy);
export const sub = linearBinary('Sub', (dy) => neg(dy));

/** 1 where the comparison holds. A bool result is cast so that it multiplies. */
const compare = (name: string) => (a: Tensor, other: Tensor | number) => {
  const b = typeof other === 'number' ? scalarConstant(other) : other;
  return cast(callFloat(name, [a, b]), 'float32');
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
    const y = callFloat(name, [x]);
    record([x], [y], [x, y], ([dy]) => [dx(dy as Tensor, x, y)]);
    return y;
  };
}

export const neg = unary('Neg', (dy) => neg(dy));
export const abs = unary('Abs', (dy, x) => mul(dy, callFloat('Sign', [x])));
export const square = unary('Square', (dy, x) => mul(dy, mul(x, 2)));
export const sqrt = unary('Sqrt', (dy, _x, y) => div(dy, mul(y, 2)));
export const exp = unary('Exp', (dy, _x, y) => mul(dy, y));
export const log = unary('Log', (dy, x) => div(dy, x));
export const tanh = unary('Tanh', (dy, _x, y) => callFloat('TanhGrad', [y, dy]));
export const sigmoid = unary('Sigmoid', (dy, _x, y) => callFloat('SigmoidGrad', [y, dy]));
/** Gradient: dy · σ(x). */
export const softplus = unary('Softplus', (dy, x) => mul(dy, sigmoid(x)));
/** Gauss error function; derivative 2/√π · exp(−x²). */
export const erf = unary('Erf', (dy, x) =>
  mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
);

/** Converts the element type; a gradient passes between float types only, and comes back as the type of `x`. */
export function cast(x: Tensor, to: DType): Tensor {
  const y = call('Cast', { SrcT: dtype(x.dtype), DstT: dtype(to), Truncate: bool(false) }, [x]);
  if (isFloat(to) && isFloat(x.dtype))
    record([x], [y], [], ([dy]) => [to === x.dtype ? dy : cast(dy as Tensor, x.dtype)]);
  return y;
}

/** x · σ(x) (SiLU, Elfwing et al. 2017). */
export const silu = (x: Tensor) => mul(x, sigmoid(x));
/** x · Φ(x), the exact GELU (Hendrycks and Gimpel 2016). */
export const gelu = (x: Tensor) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
/** x · σ(1.702 x), the GELU of the original CLIP. */
export const quickGelu = (x: Tensor) => mul(x, sigmoid(mul(x, 1.702)));
