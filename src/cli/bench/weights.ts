import {
  Parameters,
  type Tensor,
  tensor,
  type WeightOptions,
  type WeightShape,
} from '../../engine';
import { TorchGenerator } from '../../random';

const PERIOD = 1 << 20;
const noise = new TorchGenerator(0).rand(PERIOD);

/** Uniform numbers within ±bound that repeat after a million: speed does not depend on values, and hundreds of millions take long to draw. */
function spread(count: number, bound: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (2 * (noise[i % PERIOD] ?? 0) - 1) * bound;
  return values;
}

/** A tensor of numbers within ±√3, of variance 1. */
export function someTensor(shape: readonly number[]): Tensor {
  return tensor(
    spread(
      shape.reduce((n, d) => n * d, 1),
      Math.sqrt(3),
    ),
    shape,
  );
}

/** Weights of the sizes that PyTorch gives them, in our layout: norms 1, biases 0. */
export function someWeights(
  weights: readonly WeightShape[],
  options: WeightOptions = {},
): Parameters {
  const ours = weights.map(([name, [o = 0, i = 0, h, w]]): WeightShape => {
    const shape = w !== undefined && h !== undefined ? [h, w, i, o] : i ? [o, i] : [o];
    return [name, shape];
  });
  const parameters = Parameters.allocate(ours, options);
  for (const [name, shape] of weights) {
    const count = shape.reduce((n, d) => n * d, 1);
    const fanIn = count / (shape[0] ?? 1);
    if (shape.length > 1) parameters.write(name, spread(count, fanIn ** -0.5));
    else if (name.endsWith('.weight')) parameters.write(name, new Float32Array(count).fill(1));
  }
  return parameters;
}
