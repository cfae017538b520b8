import assert from 'node:assert/strict';
import {
  autocast,
  engineInfo,
  type KernelMode,
  type MixedPrecision,
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

/** One way of computing a model. */
export interface Variant {
  readonly mode: KernelMode;
  readonly precision: MixedPrecision;
}

/** The kernel modes that this run of the tests can compare. */
export const kernelModes: readonly KernelMode[] =
  engineInfo().kernels === 'fused' ? ['fused', 'plain'] : ['plain'];

/** The ways that this run of the tests can compare, by the words that a test's name says them with. */
export const variants: readonly (readonly [label: string, Variant])[] = kernelModes.flatMap(
  (mode) =>
    (['no', 'bf16'] as const).map((precision) => {
      const label = precision === 'no' ? `${mode} kernels` : `${mode} kernels, bf16`;
      return [label, { mode, precision }] as const;
    }),
);

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
export const weightFromTorch = (data: ArrayLike<number>, shape: readonly number[]) =>
  shape.length === 4
    ? permuted(data, shape, [2, 3, 1, 0])
    : { data: Float32Array.from(data), shape };

/** PyTorch's layout to ours: feature maps NCHW → NHWC. */
export const mapFromTorch = (data: ArrayLike<number>, shape: readonly number[]) =>
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

type Forward = (inputs: Inputs) => Inputs;
type Trained = { readonly parameters: Parameters };

/** Our numbers beside the reference library's in float32, in our layout. */
type Pair = readonly [key: string, actual: ArrayLike<number>, expected: ArrayLike<number>];

/** Runs `forward` on the fixture's inputs: every output, and the gradient of every weight and input. */
function pairs(name: string, model: Trained, forward: Forward, { mode, precision }: Variant) {
  const expected = tensorFixture('models', `${name}.safetensors`);
  const inputs = Object.fromEntries(
    Object.entries(modelCase(name).inputs).map(([key, shape]) => [key, fixtureInput(key, shape)]),
  );
  const run = () =>
    probedLoss(
      autocast(precision, () => forward(inputs)),
      expected,
    );
  model.parameters.zeroGrad();
  const { value, grads } = withKernels(mode, () => valueAndGrad(run, Object.values(inputs)));
  const weightPairs = model.parameters.names.map((weight): Pair => {
    const { data, shape } = fixtureTensor(expected, `grad.${weight}`);
    return [`grad.${weight}`, model.parameters.readGrad(weight), weightFromTorch(data, shape).data];
  });
  const inputPairs = Object.keys(inputs).map((key, i): Pair => {
    const { data, shape } = fixtureTensor(expected, `grad_in.${key}`);
    return [`grad_in.${key}`, grads[i]?.floats() ?? [], mapFromTorch(data, shape).data];
  });
  const outputs = outputPairs(value.outputs, expected);
  const gradients = [...weightPairs, ...inputPairs];
  const compared = new Set([...outputs, ...gradients].map(([key]) => key));
  assert.deepEqual(compared, new Set(expected.keys()), 'what is compared');
  for (const t of [value.loss, ...Object.values(value.outputs), ...grads]) t.dispose();
  for (const t of Object.values(inputs)) t.dispose();
  return { outputs, gradients };
}

/**
 * Compares outputs (max |error| ≤ 1e-4 of the scale) and the gradient of every weight and input
 * (relative L2 ≤ 1e-3) with the reference library's; in bf16 as `assertNearFloat32` has it.
 */
export function assertParity(
  name: string,
  model: Trained,
  forward: Forward,
  variant: Variant,
): void {
  const { outputs, gradients } = pairs(name, model, forward, variant);
  if (variant.precision === 'bf16') {
    assertNearFloat32(name, outputs);
    assertNearFloat32(name, gradients);
    return;
  }
  for (const [key, ours, torch] of outputs)
    assertClose(ours, torch, { rtol: 1e-4, atol: 0, label: `${name} ${key}` });
  assertGradients(name, gradients);
}

/** What the mean below may be: rounding is a draw, and the plain kernels round after every operation. */
export const BF16_SLACK = { fused: 1.1, plain: 1.25 } as const;

/**
 * Over several models, the geometric mean of how far our bf16 gradients are from float32 (all weights and inputs of a
 * model together), torch.autocast's distance being 1.
 */
export function bf16ErrorRatio(
  mode: KernelMode,
  names: readonly string[],
  make: (name: string) => { readonly model: Trained; readonly forward: Forward },
): number {
  const logarithms = names.map((name) => {
    const { model, forward } = make(name);
    const { gradients } = pairs(name, model, forward, { mode, precision: 'bf16' });
    model.parameters.dispose();
    return Math.log(totalError(gradients) / norm(torchErrors(name, gradients)));
  });
  return Math.exp(logarithms.reduce((sum, x) => sum + x, 0) / names.length);
}

type Expected = ReturnType<typeof tensorFixture>;
function outputPairs(outputs: Inputs, expected: Expected): Pair[] {
  return Object.entries(outputs).map(([key, out]) => {
    const { data, shape } = fixtureTensor(expected, `out.${key}`);
    const torch = mapFromTorch(data, shape);
    assert.deepEqual(out.shape, torch.shape, `${key}: shape`);
    return [`out.${key}`, out.floats(), torch.data];
  });
}

const norm = (x: ArrayLike<number>) =>
  Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  norm(Array.from(a, (x, i) => x - (b[i] ?? Number.NaN)));

/**
 * A gradient that is zero on paper (a key's bias, a bias before a one-channel norm group) is judged
 * by the largest gradient in the model, of which float32 leaves about 1e-7 as noise.
 */
export function assertGradients(label: string, gradients: readonly Pair[]): void {
  const largest = Math.max(...gradients.map(([, , torch]) => norm(torch)));
  for (const [key, ours, torch] of gradients) {
    assert.equal(ours.length, torch.length, `${label} ${key}: length`);
    const error = distance(ours, torch);
    const allowed = 1e-3 * norm(torch) + 1e-7 * largest;
    assert.ok(error <= allowed, `${label} ${key}: |error| ${error}, allowed ${allowed}`);
  }
}

const totalError = (compared: readonly Pair[]) =>
  norm(compared.map(([, ours, torch]) => distance(ours, torch)));

/** L2 errors of torch.autocast in bfloat16 against float32, tensor by tensor. */
function torchErrors(name: string, compared: readonly Pair[]): number[] {
  const all = jsonFixture<Record<string, readonly number[]>>('models', 'autocast-errors.json');
  const keys = [...tensorFixture('models', `${name}.safetensors`).keys()].sort();
  const errors = new Map(keys.map((key, i) => [key, all[name]?.[i]]));
  return compared.map(([key]) => errors.get(key) ?? Number.NaN);
}

/**
 * Rounding is a draw of errors, ours another one than torch.autocast's: all together may be at most twice as large,
 * and one tensor six times its own and what torch's share would be of a tensor of that size.
 */
function assertNearFloat32(label: string, compared: readonly Pair[]): void {
  const errors = torchErrors(label, compared);
  const ratio = totalError(compared) / norm(errors);
  assert.ok(ratio <= 2, `${label}: ${ratio} times the error of torch.autocast`);
  const share = norm(errors) / norm(compared.map(([, , torch]) => norm(torch)));
  compared.forEach(([key, ours, torch], i) => {
    const error = distance(ours, torch);
    const allowed = 6 * ((errors[i] ?? 0) + share * norm(torch));
    assert.ok(error <= allowed, `${label} ${key}: |error| ${error}, allowed ${allowed}`);
  });
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
