import {
  groupNorm as engineGroupNorm,
  layerNorm as engineLayerNorm,
  type Tensor,
  type WeightShape,
} from '../engine';

/** Scale (`weight`) and offset (`bias`) of a group or layer norm. */
export type Norm = {
  readonly weight: Tensor; // [C]
  readonly bias: Tensor; // [C]
};

export interface GroupNormOptions {
  readonly groups: number;
  /** ε added to the variance; it differs by place, so it is always passed. */
  readonly epsilon: number;
}

/** Group norm over channel groups, as `torch.nn.GroupNorm`. `x`: [B, ..., C]. */
export function groupNorm(p: Norm, x: Tensor, options: GroupNormOptions): Tensor {
  return engineGroupNorm(x, p.weight, p.bias, options);
}

/**
 * `silu(groupNorm(x + shift))`, the pair that stands before every convolution.
 * @param x [B, H, W, C]
 * @param options.shift a number per image and channel, [B, C], added before the norm
 */
export function groupNormSilu(
  p: Norm,
  x: Tensor,
  options: GroupNormOptions & { readonly shift?: Tensor },
): Tensor {
  return engineGroupNorm(x, p.weight, p.bias, { ...options, activation: 'silu' });
}

/** Layer norm over the last axis, as `torch.nn.LayerNorm`. `x`: [..., C]. */
export function layerNorm(p: Norm, x: Tensor, options: { readonly epsilon: number }): Tensor {
  return engineLayerNorm(x, p.weight, p.bias, options);
}

/** Names and PyTorch shapes of a norm's scale and offset. */
export function normWeights(name: string, channels: number): WeightShape[] {
  return [
    [`${name}.weight`, [channels]],
    [`${name}.bias`, [channels]],
  ];
}
