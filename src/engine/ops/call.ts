import { type Attribute, createHandle, execute } from '../backend';
import { type DType, dtypeNumbers } from '../dtype';
import { outsideScopes, Tensor, tensor } from '../tensor';

export const int = (value: number | readonly number[]): Attribute => ({ type: 'int', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const bool = (value: boolean): Attribute => ({ type: 'bool', value });
export const string = (value: string): Attribute => ({ type: 'string', value });
export const dtype = (name: DType): Attribute => ({ type: 'dtype', value: dtypeNumbers[name] });

type Attributes = Readonly<Record<string, Attribute>>;

const ids = (inputs: readonly Tensor[]) => inputs.map((t) => t.id);

/** Executes an operation with several outputs. */
export const callAll = (
  name: string,
  attributes: Attributes,
  inputs: readonly Tensor[],
  n: number,
) => execute(name, attributes, ids(inputs), n).map((output) => new Tensor(output));

/** Operations whose result is their first input's memory under another handle. */
const SHARING: ReadonlySet<string> = new Set([
  'Reshape',
  'DpoReshape',
  'DpoView',
  'DpoBiasResidual',
]);

/** Executes an operation with one output. */
export function call(name: string, attributes: Attributes, inputs: readonly Tensor[]): Tensor {
  const [output] = execute(name, attributes, ids(inputs), 1);
  if (!output) throw new Error(`The operation ${name} returned nothing.`);
  return new Tensor(output, SHARING.has(name) ? inputs[0] : undefined);
}

/** Executes an operation that writes into its inputs and returns nothing. */
export function callInPlace(name: string, attributes: Attributes, inputs: readonly Tensor[]): void {
  execute(name, attributes, ids(inputs), 0);
}

/** The attribute that gives an operation the element type of `x`. */
export const typeOf = (x: Tensor) => ({ T: dtype(x.dtype) });

/** Calls an operation whose only attribute is the element type of its first input. */
export const callTyped = (name: string, inputs: readonly [Tensor, ...Tensor[]]) =>
  call(name, typeOf(inputs[0]), inputs);

/** Constants that recur at every step (shapes, axes, coefficients), the most recently used last. */
let constants = new Map<string, Tensor>();
const constantLimit = 4096;

function constant(key: string, make: () => Tensor): Tensor {
  const known = constants.get(key);
  if (known) constants.delete(key);
  const value = known ?? outsideScopes(make);
  constants.set(key, value);
  if (constants.size > constantLimit) {
    const [oldest] = constants.entries();
    if (oldest) {
      constants.delete(oldest[0]);
      oldest[1].dispose();
    }
  }
  return value;
}

/** Runs `fn` with constants of its own, which are gone afterwards: its device is not TensorFlow. */
export function withOwnConstants<T>(fn: () => T): T {
  const outer = constants;
  constants = new Map();
  try {
    return fn();
  } finally {
    for (const t of constants.values()) t.dispose();
    constants = outer;
  }
}

/** Handles that the engine keeps for itself; not part of a caller's leak account. */
export const constantCount = () => constants.size;

export const scalarConstant = (value: number, type: DType = 'float32') =>
  constant(`${type}${Object.is(value, -0) ? '-0' : value}`, () => tensor([value], [], type));

/** A constant int32 vector, or scalar for a plain number. */
export function intConstant(value: number | readonly number[]): Tensor {
  const list = typeof value === 'number' ? [value] : value;
  const shape = typeof value === 'number' ? [] : [list.length];
  const number = dtypeNumbers.int32;
  return constant(`i${shape}:${list}`, () => {
    const id = createHandle(shape, number, Int32Array.from(list));
    return new Tensor({ id, shape, dtype: number });
  });
}

/** An empty [0] tensor: how an optional input of a fused kernel is left out. */
export const absent = (type: DType = 'float32') =>
  constant(`empty ${type}`, () => tensor([], [0], type));

/** A matrix [rows, columns] of an integer constant, row-major. */
export function intMatrix(rows: readonly (readonly number[])[]): Tensor {
  const shape = [rows.length, rows[0]?.length ?? 0];
  const number = dtypeNumbers.int32;
  return constant(`m${shape}:${rows}`, () => {
    const id = createHandle(shape, number, Int32Array.from(rows.flat()));
    return new Tensor({ id, shape, dtype: number });
  });
}

/** Zeros that TensorFlow fills: a large tensor of them is never in JavaScript's memory. */
export const zeroFilled = (shape: readonly number[], type: DType = 'float32') =>
  call('Fill', { T: dtype(type), index_type: dtype('int32') }, [
    intConstant(shape),
    scalarConstant(0, type),
  ]);
