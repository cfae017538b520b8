import { linear as affine, type Tensor, type WeightShape } from '../engine';

/** Weights of a fully connected layer, `torch.nn.Linear`. */
export type Linear = {
  readonly weight: Tensor; // [out, in]
  readonly bias?: Tensor; // [out]
  readonly lora?: Lora; // what is trained in place of a frozen weight
};

/** A change of low rank to a weight W: W + scale · B A. Source: Hu et al. 2021 (LoRA), equation 3. */
export type Lora = {
  readonly A: Tensor; // [r, in]
  readonly B: Tensor; // [out, r]
  readonly scale: number; // alpha / r
};

/**
 * `y = x Wᵀ + b (+ residual)`, with an adapter `+ scale · (x Aᵀ) Bᵀ`.
 * @param x [..., in]
 * @returns [..., out]
 */
export function linear(p: Linear, x: Tensor, options: { residual?: Tensor } = {}): Tensor {
  const y = affine(x, p.weight, { bias: p.bias, residual: options.residual });
  if (!p.lora) return y;
  const { A, B, scale } = p.lora;
  return affine(affine(x, A).mul(scale), B, { residual: y }); // scaled where it is narrow, [..., r]
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
