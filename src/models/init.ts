import type { WeightShape } from '../engine';
import type { TorchGenerator } from '../random';

/** One weight's first values, row-major in PyTorch's layout. */
export type InitialWeight = readonly [name: string, values: Float32Array];

/** What a rule may look at. */
interface Context {
  readonly name: string;
  readonly shape: readonly number[];
  /** Layers in the same transformer. */
  readonly layers: number;
}

/**
 * Standard deviations of CLIP's weights, by the end of their names; C is the width of the tower.
 * Source: transformers `CLIPPreTrainedModel._init_weights` with initializer_range 0.02, factor 1.
 */
const CLIP_DEVIATIONS: readonly (readonly [end: RegExp, std: (context: Context) => number])[] = [
  [/\.(token|position|patch)_embedding\.weight$/, () => 0.02],
  [/\.class_embedding$/, ({ shape }) => fan(shape, 0) ** -0.5],
  [/\.[qkv]_proj\.weight$/, ({ shape, layers }) => fan(shape, 1) ** -0.5 * (2 * layers) ** -0.5],
  [/\.out_proj\.weight$/, ({ shape }) => fan(shape, 1) ** -0.5],
  [/\.mlp\.fc1\.weight$/, ({ shape }) => (2 * fan(shape, 1)) ** -0.5],
  [/\.mlp\.fc2\.weight$/, ({ shape, layers }) => fan(shape, 0) ** -0.5 * (2 * layers) ** -0.5],
  [/(text|visual)_projection\.weight$/, ({ shape }) => fan(shape, 1) ** -0.5],
];

/** `ln(1 / 0.07)` rounded as OpenAI and transformers have it. */
const LOGIT_SCALE = 2.6592;

/**
 * First values of a network's weights, as its library makes them: norms 1 and 0; CLIP by the rules
 * of transformers, its biases 0; everything else by PyTorch's default for linear and convolution
 * layers. Draws in the order of `weights`, a weight at a time.
 * @param weights PyTorch names and shapes, as `unetWeights` and its like give them
 */
export function* initialise(
  weights: readonly WeightShape[],
  generator: TorchGenerator,
): Generator<InitialWeight> {
  const shapes = new Map(weights);
  for (const [name, shape] of weights) {
    const values = new Float32Array(shape.reduce((n, d) => n * d, 1));
    yield [name, initialValues({ name, shape, layers: layerCount(name, shapes) }, values)];
  }

  function initialValues(context: Context, values: Float32Array): Float32Array {
    const { name, shape } = context;
    if (name === 'logit_scale') return values.fill(LOGIT_SCALE);
    const std = clipDeviation(context);
    if (std !== undefined) return generator.randn(values.length).map((x) => x * std);
    if (shape.length > 1) return uniform(generator, values.length, fanIn(shape) ** -0.5);
    if (name.endsWith('.weight')) return values.fill(1); // a norm's scale
    return initialBias(context, values);
  }

  /** 0 beside a norm or in CLIP; else uniform in ±1/√(fan in of its layer). */
  function initialBias(context: Context, values: Float32Array): Float32Array {
    const name = context.name.replace(/\.bias$/, '.weight');
    const shape = shapes.get(name) ?? [];
    if (shape.length < 2 || clipDeviation({ ...context, name, shape }) !== undefined) return values;
    return uniform(generator, values.length, fanIn(shape) ** -0.5);
  }
}

/**
 * Uniform in ±bound. For weights PyTorch's `kaiming_uniform_(a = √5)` comes to the same bound as
 * for biases: √3 · √(2 / (1 + 5)) / √(fan in) = 1/√(fan in).
 */
function uniform(generator: TorchGenerator, count: number, bound: number): Float32Array {
  return generator.rand(count).map((x) => Math.fround(x * Math.fround(2 * bound)) - bound);
}

function clipDeviation(context: Context): number | undefined {
  return CLIP_DEVIATIONS.find(([end]) => end.test(context.name))?.[1](context);
}

function layerCount(name: string, shapes: ReadonlyMap<string, unknown>): number {
  const [, stem] = /^(.*\.layers\.)\d+\./.exec(name) ?? [];
  if (!stem) return 0;
  let count = 0;
  while (shapes.has(`${stem}${count}.layer_norm1.weight`)) count++;
  return count;
}

/** Inputs of one output number: the shape without its first axis. */
function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((n, d) => n * d, 1);
}

function fan(shape: readonly number[], axis: number): number {
  return shape[axis] ?? 1;
}
