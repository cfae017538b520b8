import { linear as affine, type Tensor, type WeightShape } from '../engine';

/** Weights of a fully connected layer, `torch.nn.Linear`. */
export type Linear = {
  readonly weight: Tensor; // [out, in]
  readonly bias?: Tensor; // [out]
};

/**
 * `y = x Wᵀ + b (+ residual)`.
 * @param x [..., in]
 * @returns [..., out]
 */
export function linear(p: Linear, x: Tensor, options: { residual?: Tensor } = {}): Tensor {
  return affine(x, p.weight, { bias: p.bias, residual: options.residual });
}

/** Names and PyTorch shapes of a linear layer with a bias. */
export function linearWeights(name: string, inputs: number, outputs: number): WeightShape[] {
  return [...biaslessLinearWeights(name, inputs, outputs), [`${name}.bias`, [outputs]]];
}

/** Name and PyTorch shape of a linear layer without a bias. */
export function biaslessLinearWeights(
  name: string,
  inputs: number,
  outputs: number,
): WeightShape[] {
  return [[`${name}.weight`, [outputs, inputs]]];
}
