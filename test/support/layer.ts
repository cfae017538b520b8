import { Parameters, type WeightShape } from '../../src/engine';

/**
 * A layer named `layer` with the listed weights (PyTorch's names and shapes) in our layout; every
 * number is 0 unless given, row-major in our layout.
 */
export function layerOf<T>(
  weights: readonly WeightShape[],
  values: Readonly<Record<string, readonly number[]>> = {},
): { readonly p: T; readonly parameters: Parameters } {
  const parameters = Parameters.allocate(weights.map(([name, shape]) => [name, ourShape(shape)]));
  for (const [name, numbers] of Object.entries(values)) {
    parameters.write(`layer.${name}`, Float32Array.from(numbers));
  }
  return { parameters, p: parameters.tree<{ readonly layer: T }>().layer };
}

function ourShape(shape: readonly number[]): readonly number[] {
  const [outputs = 1, inputs = 1, ...kernel] = shape;
  return shape.length === 4 ? [...kernel, inputs, outputs] : shape;
}
