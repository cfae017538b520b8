/** What each operation of a run returns, by shapes alone. */
import type { Attribute } from './backend';
import { dtypeNumbers, sizeOf } from './dtype';

/** What a handle stands for in a run without numbers. */
export interface Abstract {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** Numbers given by the host: shapes, axes and coefficients. */
  readonly data?: ArrayLike<number>;
}

/** One output; `alias` is the input whose memory it shares. */
export interface Result {
  readonly shape: readonly number[];
  readonly dtype?: number;
  readonly alias?: number;
}

type Attributes = Readonly<Record<string, Attribute>>;
type Rule = (inputs: readonly Abstract[], attributes: Attributes) => readonly Result[];

const { float32, bool } = dtypeNumbers;

const shapeOf = (inputs: readonly Abstract[], i: number) => inputs[i]?.shape ?? [];
const dataOf = (inputs: readonly Abstract[], i: number) => Array.from(inputs[i]?.data ?? []);
const number = (attributes: Attributes, name: string) => Number(attributes[name]?.value);
const last = (shape: readonly number[]) => shape[shape.length - 1] ?? 1;
const withLast = (shape: readonly number[], n: number) => [...shape.slice(0, -1), n];

/** An output shaped like input `i`. */
const like =
  (...positions: readonly number[]): Rule =>
  (inputs) =>
    positions.map((i) => ({ shape: shapeOf(inputs, i) }));

const nothing: Rule = () => [];

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly number[], i: number) => shape[i - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
}

const elementwise: Rule = (inputs) => [
  { shape: broadcast(shapeOf(inputs, 0), shapeOf(inputs, 1)) },
];
const comparison: Rule = (inputs, attributes) =>
  elementwise(inputs, attributes).map(({ shape }) => ({ shape, dtype: bool }));

/** @param border rows and columns of zeros, of one axis; undefined for as many as keep the size at stride 1 */
function convolved(inputs: readonly Abstract[], stride: number, border: number | undefined) {
  const [N = 0, H = 0, W = 0] = shapeOf(inputs, 0);
  const [kH = 1, kW = 1, , O = 0] = shapeOf(inputs, 1);
  const extent = (n: number, k: number) =>
    Math.ceil((border === undefined ? n : n + border - k + 1) / stride);
  return [{ shape: [N, extent(H, kH), extent(W, kW), O] }];
}

const convolution: Rule = (inputs, attributes) => {
  const border = number(attributes, 'before') + number(attributes, 'after');
  const same = attributes.same?.value === true;
  return convolved(inputs, number(attributes, 'stride'), same ? undefined : border);
};

const plainConvolution: Rule = (inputs, { strides, padding, explicit_paddings }) => {
  const numbers = (attribute: Attribute | undefined) => attribute?.value as readonly number[];
  const [, , before = 0, after = 0] = numbers(explicit_paddings);
  const border = padding?.value === 'SAME' ? undefined : before + after;
  return convolved(inputs, numbers(strides)[1] ?? 1, border);
};

const product: Rule = (inputs, attributes) => {
  const [a, b] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  const [left, right] =
    'transpose_a' in attributes ? ['transpose_a', 'transpose_b'] : ['adj_x', 'adj_y'];
  const rows = attributes[left as string]?.value ? a[a.length - 1] : a[a.length - 2];
  const columns = attributes[right as string]?.value ? b[b.length - 2] : b[b.length - 1];
  return [{ shape: [...a.slice(0, -2), rows ?? 0, columns ?? 0] }];
};

const sum: Rule = (inputs, attributes) => {
  const axes = dataOf(inputs, 1);
  const shape = shapeOf(inputs, 0);
  const keep = attributes.keep_dims?.value === true;
  return [{ shape: shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d])) }];
};

const concat: Rule = (inputs) => {
  const axis = dataOf(inputs, inputs.length - 1)[0] ?? 0;
  const parts = inputs.slice(0, -1).map(({ shape }) => shape);
  const joined = parts.reduce((n, shape) => n + (shape[axis] ?? 0), 0);
  return [{ shape: (parts[0] ?? []).map((d, i) => (i === axis ? joined : d)) }];
};

const concatChannels: Rule = (inputs) => {
  const [a, b] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  return [{ shape: withLast(a, last(a) + last(b)) }];
};

const splitChannels: Rule = (inputs) =>
  dataOf(inputs, 1).map((n) => ({ shape: withLast(shapeOf(inputs, 0), n) }));

const split: Rule = (inputs) => {
  const axis = dataOf(inputs, 2)[0] ?? 0;
  return dataOf(inputs, 1).map((n) => ({
    shape: shapeOf(inputs, 0).map((d, i) => (i === axis ? n : d)),
  }));
};

/** An output whose shape is the numbers of input `i`. */
const told =
  (i: number): Rule =>
  (inputs) => [{ shape: dataOf(inputs, i) }];

const scaled =
  (factor: number): Rule =>
  (inputs) => {
    const [N = 0, H = 0, W = 0, C = 0] = shapeOf(inputs, 0);
    return [{ shape: [N, H * factor, W * factor, C] }];
  };

const resized: Rule = (inputs) => {
  const [N = 0, , , C = 0] = shapeOf(inputs, 0);
  return [{ shape: [N, ...dataOf(inputs, 1), C] }];
};

const rules: Readonly<Record<string, Rule>> = {
  AddV2: elementwise,
  Mul: elementwise,
  RealDiv: elementwise,
  Sub: elementwise,
  Maximum: elementwise,
  Minimum: elementwise,
  Greater: comparison,
  Cast: (inputs, attributes) => [{ shape: shapeOf(inputs, 0), dtype: number(attributes, 'DstT') }],
  Identity: (inputs) => [{ shape: shapeOf(inputs, 0), alias: 0 }],
  Reshape: (inputs) => [{ shape: dataOf(inputs, 1), alias: 0 }],
  BroadcastTo: told(1),
  Fill: told(0),
  Sum: sum,
  Slice: told(2),
  GatherV2: (inputs) => [{ shape: [...shapeOf(inputs, 1), ...shapeOf(inputs, 0).slice(1)] }],
  Pad: (inputs) => {
    const around = dataOf(inputs, 1);
    const more = (i: number) => (around[2 * i] ?? 0) + (around[2 * i + 1] ?? 0);
    return [{ shape: shapeOf(inputs, 0).map((d, i) => d + more(i)) }];
  },
  ConcatV2: concat,
  SplitV: split,
  Transpose: (inputs) => [
    { shape: dataOf(inputs, 1).map((axis) => shapeOf(inputs, 0)[axis] ?? 0) },
  ],
  Conv2D: plainConvolution,
  Conv2DBackpropInput: told(0),
  Conv2DBackpropFilter: told(1),
  BiasAddGrad: (inputs) => [{ shape: [last(shapeOf(inputs, 0))] }],
  ResizeNearestNeighbor: resized,
  ResizeNearestNeighborGrad: resized,
  MatMul: product,
  BatchMatMulV2: product,
  DpoConcatChannels: concatChannels,
  DpoSplitChannels: splitChannels,
  DpoBuffer: (inputs) => [{ shape: [16 * (dataOf(inputs, 0)[0] ?? 0)] }],
  DpoReshape: (inputs) => [{ shape: dataOf(inputs, 1), alias: 0 }],
  DpoView: (inputs) => [{ shape: dataOf(inputs, 1), alias: 0 }],
  DpoBiasResidual: (inputs) => [{ shape: shapeOf(inputs, 0), alias: 0 }],
  DpoSquaredNorm: () => [{ shape: [], dtype: float32 }],
  DpoConv: convolution,
  DpoConvInputGrad: like(2),
  DpoLinear: (inputs) => [{ shape: withLast(shapeOf(inputs, 0), shapeOf(inputs, 1)[0] ?? 0) }],
  DpoLinearInputGrad: (inputs) => [
    { shape: withLast(shapeOf(inputs, 0), shapeOf(inputs, 1)[1] ?? 0) },
  ],
  DpoGroupNorm: (inputs, attributes) => [
    { shape: shapeOf(inputs, 0) },
    { shape: [shapeOf(inputs, 0)[0] ?? 0, number(attributes, 'groups'), 2], dtype: float32 },
  ],
  DpoGroupNormGradInto: (inputs) => [
    { shape: shapeOf(inputs, 1) },
    { shape: shapeOf(inputs, 4), dtype: float32 },
  ],
  DpoLayerNorm: (inputs) => {
    const x = shapeOf(inputs, 0);
    return [{ shape: x }, { shape: [sizeOf(x) / last(x), 2], dtype: float32 }];
  },
  DpoLayerNormGradInto: like(0),
  DpoGeglu: (inputs) => [{ shape: withLast(shapeOf(inputs, 0), last(shapeOf(inputs, 0)) / 2) }],
  DpoGegluGrad: (inputs) => [
    { shape: shapeOf(inputs, 1) },
    { shape: shapeOf(inputs, 2), dtype: float32 },
  ],
  DpoAttention: (inputs, attributes) => {
    const [B = 0, S = 0] = shapeOf(inputs, 0);
    const logSumExp = { shape: [B, number(attributes, 'heads'), S], dtype: float32 };
    return [{ shape: shapeOf(inputs, 0) }, logSumExp];
  },
  DpoAttentionGrad: like(1, 2, 3),
  DpoUpsample2x: scaled(2),
  DpoUpsample2xGrad: scaled(0.5),
};

const unary =
  /^(Abs|Neg|Square|Sqrt|Exp|Log|Tanh|Erf|Softplus|Sign|Sigmoid|SigmoidGrad|TanhGrad|Softmax|DpoAdd|Dpo(Silu|Gelu|QuickGelu)(Grad)?)$/;
const inPlace = /^Dpo(\w*Into|Accumulate|AdamW|Adafactor|Write|WriteReversed|Zero)$/;

/** The outputs of one operation. @throws Error for one that no model of ours executes */
export function resultsOf(
  name: string,
  inputs: readonly Abstract[],
  attributes: Attributes,
): readonly Result[] {
  const rule =
    rules[name] ?? (unary.test(name) ? like(0) : inPlace.test(name) ? nothing : undefined);
  if (!rule) throw new Error(`A run without numbers does not know the operation ${name}.`);
  return rule(inputs, attributes);
}
