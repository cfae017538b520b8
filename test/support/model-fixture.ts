import assert from 'node:assert/strict';
import {
  engineInfo,
  type KernelMode,
  Parameters,
  type Tensor,
  tensor,
  tidy,
  valueAndGrad,
  type WeightShape,
  withKernels,
} from '../../src/engine';
import type { ConfigJson, Model } from '../../src/models';
import { assertClose } from './assert';
import { fixtureTensor, jsonFixture, tensorFixture } from './fixtures';

/** A case of test/fixtures/make_models.py. */
export interface ModelCase {
  readonly config: ConfigJson;
  /** PyTorch's own list of weights, in its order. */
  readonly weights: WeightShape[];
  readonly inputs: Readonly<Record<string, readonly number[]>>; // PyTorch's shapes
  readonly timesteps: readonly number[];
  readonly timeIds: readonly (readonly number[])[];
  readonly ids: readonly (readonly number[])[];
  /** Below 1: activations so faint that the ε of every norm shows. */
  readonly gain?: number;
}

/** Reads the JSON part of a model fixture. */
export const modelCase = (name: string) => jsonFixture<ModelCase>('models', `${name}.json`);

/** The kernel modes that this run of the tests can compare. */
export const kernelModes: readonly KernelMode[] =
  engineInfo().kernels === 'fused' ? ['fused', 'plain'] : ['plain'];

/** Numbers in −1…1 that depend on the name alone; the twin of `numbers` in make_models.py. */
export function numbers(name: string, count: number): Float64Array {
  let seed = 0;
  for (const letter of name) seed = (Math.imul(seed, 31) + letter.charCodeAt(0)) >>> 0;
  const start = Math.imul(seed, 0x9e3779b1);
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (start + i) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
    return ((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1;
  });
}

/** A weight in PyTorch's layout; the twin of `weight` in make_models.py. */
function weightValues(name: string, shape: readonly number[], gain: number): Float32Array {
  const u = numbers(name, product(shape));
  const scale = gain * Math.sqrt(3 / product(shape.slice(1)));
  if (shape.length === 0) return Float32Array.from(u, (x) => 1 + x);
  if (shape.length > 1) return Float32Array.from(u, (x) => scale * x);
  return Float32Array.from(u, (x) => (name.endsWith('weight') ? 1 + 0.3 * x : gain * 0.3 * x));
}

const product = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/** Rearranges a row-major array of 4 axes: axis i of the result is axis `order[i]` of `data`. */
function permuted(data: ArrayLike<number>, shape: readonly number[], order: readonly number[]) {
  const strides = shape.map((_, i) => product(shape.slice(i + 1)));
  const out = new Float32Array(data.length);
  const sizes = order.map((axis) => shape[axis] ?? 1);
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      const size = sizes[axis] ?? 1;
      from += (rest % size) * (strides[order[axis] ?? 0] ?? 1);
      rest = Math.floor(rest / size);
    }
    out[i] = data[from] ?? 0;
  }
  return { data: out, shape: sizes };
}

/** PyTorch's layout to ours: convolution weights OIHW → HWIO. */
const weightFromTorch = (data: ArrayLike<number>, shape: readonly number[]) =>
  shape.length === 4
    ? permuted(data, shape, [2, 3, 1, 0])
    : { data: Float32Array.from(data), shape };

/** PyTorch's layout to ours: feature maps NCHW → NHWC. */
const mapFromTorch = (data: ArrayLike<number>, shape: readonly number[]) =>
  shape.length === 4
    ? permuted(data, shape, [0, 2, 3, 1])
    : { data: Float32Array.from(data), shape };

/** A model with the fixtures' weights, trainable. */
export function fixtureModel<C, P>(
  config: C,
  weights: readonly WeightShape[],
  { gain = 1 }: { readonly gain?: number } = {},
): Model<C, P> {
  const ours = weights.map(([name, shape]) =>
    weightFromTorch(weightValues(name, shape, gain), shape),
  );
  const parameters = Parameters.allocate(weights.map(([name], i) => [name, ours[i]?.shape ?? []]));
  weights.forEach(([name], i) => {
    parameters.write(name, ours[i]?.data ?? new Float32Array());
  });
  parameters.trainable();
  return { config, parameters, p: parameters.tree<P>() };
}

/** An input with the fixtures' numbers. @param shape PyTorch's */
export function fixtureInput(name: string, shape: readonly number[]): Tensor {
  const { data, shape: ours } = mapFromTorch(numbers(name, product(shape)), shape);
  return tensor(data, ours);
}

/** Everything a model under test is given, by name. */
export type Inputs = Readonly<Record<string, Tensor>>;

/**
 * Runs `forward` on the fixture's inputs and compares outputs (max |error| ≤ 1e-4 of the scale) and
 * the gradient of every weight and input (relative L2 ≤ 1e-3) with the reference library's.
 *
 * A gradient that is zero on paper (a key's bias, a bias before a one-channel norm group) is judged
 * by the largest gradient in the model, of which float32 leaves about 1e-7 as noise.
 */
export function assertParity(
  name: string,
  model: { readonly parameters: Parameters },
  forward: (inputs: Inputs) => Readonly<Record<string, Tensor>>,
  mode: KernelMode,
): void {
  const expected = tensorFixture('models', `${name}.safetensors`);
  const inputs = Object.fromEntries(
    Object.entries(modelCase(name).inputs).map(([key, shape]) => [key, fixtureInput(key, shape)]),
  );
  model.parameters.zeroGrad();
  const { value, grads } = withKernels(mode, () =>
    valueAndGrad(() => probedLoss(forward(inputs), expected), Object.values(inputs)),
  );
  assertOutputs(name, value.outputs, expected);
  const weightPairs = model.parameters.names.map((weight): GradientPair => {
    const { data, shape } = fixtureTensor(expected, `grad.${weight}`);
    return [weight, model.parameters.readGrad(weight), weightFromTorch(data, shape).data];
  });
  const inputPairs = Object.keys(inputs).map((key, i): GradientPair => {
    const { data, shape } = fixtureTensor(expected, `grad_in.${key}`);
    return [key, grads[i]?.floats() ?? new Float32Array(), mapFromTorch(data, shape).data];
  });
  const stored = [...expected.keys()].filter((key) => key.startsWith('grad'));
  assert.equal(weightPairs.length + inputPairs.length, stored.length, 'gradients compared');
  assertGradients(name, [...weightPairs, ...inputPairs]);
  for (const t of [value.loss, ...Object.values(value.outputs), ...grads]) t.dispose();
  for (const t of Object.values(inputs)) t.dispose();
}

type Expected = ReturnType<typeof tensorFixture>;

function assertOutputs(name: string, outputs: Inputs, expected: Expected): void {
  const stored = [...expected.keys()].filter((key) => key.startsWith('out.'));
  assert.deepEqual(new Set(Object.keys(outputs).map((key) => `out.${key}`)), new Set(stored));
  for (const [key, out] of Object.entries(outputs)) {
    const { data, shape } = fixtureTensor(expected, `out.${key}`);
    const ours = mapFromTorch(data, shape);
    assert.deepEqual(out.shape, ours.shape, `${name} ${key}: shape`);
    assertClose(out, ours.data, { rtol: 1e-4, atol: 0, label: `${name} ${key}` });
  }
}

type GradientPair = readonly [name: string, actual: Float32Array, expected: Float32Array];

function assertGradients(label: string, pairs: readonly GradientPair[]): void {
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  const largest = Math.max(...pairs.map(([, , expected]) => norm(expected)));
  for (const [name, actual, expected] of pairs) {
    assert.equal(actual.length, expected.length, `${label} gradient of ${name}: length`);
    const error = norm(actual.map((v, i) => v - (expected[i] ?? 0)));
    const allowed = 1e-3 * norm(expected) + 1e-7 * largest;
    assert.ok(
      error <= allowed,
      `${label} gradient of ${name}: |error| ${error}, allowed ${allowed}, norm ${norm(expected)}`,
    );
  }
}

/** Σ output · probe over all outputs, as the generator script has it. */
function probedLoss(
  outputs: Readonly<Record<string, Tensor>>,
  expected: Expected,
): { loss: Tensor; outputs: Readonly<Record<string, Tensor>> } {
  const terms = Object.entries(outputs).map(([key, out]) =>
    out.mul(fixtureInput(`probe.${key}`, fixtureTensor(expected, `out.${key}`).shape)).sum(),
  );
  const loss = tidy(() => terms.reduce((a, b) => a.add(b)));
  return { loss, outputs };
}
