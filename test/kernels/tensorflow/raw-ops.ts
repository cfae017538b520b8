import {
  type Attribute,
  createHandle,
  deleteHandle,
  execute,
  readHandle,
} from '../../../src/engine/backend';
import {
  type FixtureTensor,
  fixtureTensor,
  jsonFixture,
  tensorFixture,
} from '../../support/fixtures';

/** One call of a native op: names of fixture tensors in and out. */
export interface OpCall {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | boolean>>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Inputs that the op writes into, with the fixture name of what they hold afterwards. */
  readonly into?: Readonly<Record<string, string>>;
}

/** Calls whose tensors are float32, or bfloat16 save for statistics, weights of norms and their like. */
export interface OpCase {
  readonly name: string;
  readonly calls: readonly OpCall[];
  readonly dtype?: 'bfloat16';
}

interface OpsFixture {
  readonly cases: readonly OpCase[];
  readonly optimizers: readonly OptimizerCase[];
  readonly adafactors: readonly AdafactorCase[];
}

/** Settings of one run of transformers' Adafactor. */
export interface AdafactorCase {
  readonly name: string;
  readonly steps: number;
  readonly lr: number;
  readonly decayRate: number;
  readonly epsilon: number;
  readonly epsilonScale: number;
  readonly clipThreshold: number;
  readonly weightDecay: number;
  readonly scaleParameter: boolean;
}

/** Settings of one run of torch's AdamW. */
export interface OptimizerCase {
  readonly name: string;
  readonly size: number;
  readonly steps: number;
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export const opsFixture = jsonFixture<OpsFixture>('ops', 'ops.json');
/** Cases of 1023 of something, and of NaN and infinities among the inputs (make_ops_edges.py). */
export const edgesFixture = jsonFixture<OpsFixture>('ops', 'edges.json');
const tensors = new Map([
  ...tensorFixture('ops', 'ops.safetensors'),
  ...tensorFixture('ops', 'edges.safetensors'),
]);

/** Tensor `name` of a case of the fixtures. */
export const expected = (name: string, tensor: string): FixtureTensor =>
  fixtureTensor(tensors, `${name}/${tensor}`);

export const FLOAT = 1;
const INT32 = 3;
export const BFLOAT16 = 14;

/** Inputs that are float32 whatever the type of the activations. */
const ALWAYS_FLOAT = new Set([
  'scale',
  'offset',
  'shift',
  'bias',
  'stats',
  'lse',
  'acc',
  'bias_acc',
  'scale_acc',
  'offset_acc',
]);

export const floats = (data: ArrayLike<number>, shape: readonly number[] = [data.length]) =>
  createHandle(shape, FLOAT, Float32Array.from(data));
export const ints = (data: ArrayLike<number>) =>
  createHandle([data.length], INT32, Int32Array.from(data));
/** A new handle of `id`'s numbers as bfloat16 or float32. */
export function cast(id: number, from: number, to: number): number {
  const types = {
    SrcT: { type: 'dtype', value: from },
    DstT: { type: 'dtype', value: to },
  } as const;
  const [result] = execute('Cast', { ...types, Truncate: { type: 'bool', value: false } }, [id], 1);
  if (!result) throw new Error('Cast returned nothing.');
  return result.id;
}
/** Numbers rounded to bfloat16. */
export function bfloats(data: ArrayLike<number>, shape?: readonly number[]): number {
  const whole = floats(data, shape);
  const rounded = cast(whole, FLOAT, BFLOAT16);
  free(whole);
  return rounded;
}
/** The numbers of a bfloat16 handle. */
export function readBfloats(id: number): Float32Array {
  const whole = cast(id, BFLOAT16, FLOAT);
  const data = read(whole);
  free(whole);
  return data;
}
/** The empty tensor, by which an op is told "none". */
export const none = () => floats([]);
export const read = (id: number) => readHandle(id) as Float32Array;
export const free = (...ids: readonly number[]) => ids.forEach(deleteHandle);

const INTEGERS = new Set(['groups', 'heads', 'offset', 'stride', 'stored']);

const TYPES = new Set(['T', 'W']);

function attribute(name: string, value: number | boolean): Attribute {
  if (TYPES.has(name)) return { type: 'dtype', value: Number(value) };
  if (typeof value === 'boolean') return { type: 'bool', value };
  return INTEGERS.has(name) ? { type: 'int', value } : { type: 'float', value };
}

/** Calls a native op on handles. */
export function runOp(
  op: string,
  inputs: readonly number[],
  outputs: number,
  attributes: OpCall['attributes'] = {},
) {
  const entries = Object.entries(attributes).map(([n, v]) => [n, attribute(n, v)] as const);
  return execute(op, Object.fromEntries(entries), inputs, outputs);
}

/** Calls an op on a case's stored inputs; returns all that it wrote, under the fixture names. */
export function runFixtureCall(
  { name, dtype }: OpCase,
  { op, attributes, inputs, outputs, into }: OpCall,
) {
  const given = inputs.map((input) => {
    const { data, shape } = expected(name, input);
    const half = dtype && !ALWAYS_FLOAT.has(input);
    const id = half ? bfloats(data, shape) : floats(data, shape);
    return { id, shape, name: into?.[input], dtype: half ? BFLOAT16 : FLOAT };
  });
  const ids = given.map(({ id }) => id);
  const types = dtype ? { T: BFLOAT16, ...(inputs.includes('w') ? { W: BFLOAT16 } : {}) } : {};
  const results = runOp(op, ids, outputs.length, { ...attributes, ...types });
  const found = [
    ...results.map((result, i) => ({ ...result, name: outputs[i] ?? '' })),
    ...given.flatMap(({ name: written, ...rest }) => (written ? [{ ...rest, name: written }] : [])),
  ].map(({ id, ...rest }) => ({
    ...rest,
    data: rest.dtype === BFLOAT16 ? readBfloats(id) : read(id),
  }));
  free(...ids, ...results.map(({ id }) => id));
  return found;
}

/** Reproducible numbers in [−1, 1): a linear congruential sequence. */
export function sequence(n: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/**
 * Of bfloat16 results, rounded once: half a unit in the last place, at the scale of the largest. A group
 * norm's gradient is rounded a second time between its passes. Attention's gradients see the output, P and
 * dS rounded as well, and dP − δ cancels.
 */
export function roundedTolerance(op: string) {
  if (op === 'DpoAttentionGrad') return { rtol: 3 * 2 ** -8, atol: 2 ** -8 };
  return { rtol: op === 'DpoGroupNormGradInto' ? 2 ** -7 : 2 ** -8, atol: 1e-6 };
}
