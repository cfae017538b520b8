import { scoped, type Tensor, type WeightShape } from '../engine';
import { type Conv2d, conv2d, conv2dWeights } from './conv2d';
import { type Linear, linear, linearWeights } from './linear';
import { groupNorm, type Norm, normWeights } from './norm';
import {
  type TransformerBlock,
  type TransformerOptions,
  transformerBlock,
  transformerBlockWeights,
} from './transformer-block';

/** `conv`: 1×1 convolutions around the blocks (SD 1.x); `linear`: fully connected layers (SDXL). */
export type ProjectionKind = 'conv' | 'linear';

/** Weights of diffusers' `Transformer2DModel`. */
export type Transformer2d = {
  readonly norm: Norm;
  readonly proj_in: Linear | Conv2d;
  readonly transformer_blocks: readonly TransformerBlock[];
  readonly proj_out: Linear | Conv2d;
};

export interface Transformer2dOptions extends TransformerOptions {
  readonly groups: number;
}

/**
 * Transformer over the positions of a feature map, added to it.
 * @param x [B, H, W, C]
 * @returns [B, H, W, C]
 */
export const transformer2d = scoped(
  'transformer2d',
  (p: Transformer2d, x: Tensor, options: Transformer2dOptions): Tensor => {
    const [B = 0, H = 0, W = 0, C = 0] = x.shape;
    const normed = groupNorm(p.norm, x, { groups: options.groups, epsilon: 1e-6 });

    let h = pointwise(p.proj_in, normed).reshape([B, H * W, C]);
    for (const block of p.transformer_blocks) h = transformerBlock(block, h, options);
    return pointwise(p.proj_out, h.reshape([B, H, W, C]), x); // x + …
  },
);

/** The same matrix at every position. A 1×1 convolution weighs [1, 1, in, out], a linear layer [out, in]. */
function pointwise(p: Linear | Conv2d, x: Tensor, residual?: Tensor): Tensor {
  return p.weight.rank === 4 ? conv2d(p, x, { residual }) : linear(p, x, { residual });
}

export interface Transformer2dShape {
  readonly channels: number;
  readonly contextChannels: number;
  readonly layers: number;
  readonly projection: ProjectionKind;
}

/** Names and PyTorch shapes, in state-dict order. */
export function transformer2dWeights(name: string, shape: Transformer2dShape): WeightShape[] {
  const { channels, contextChannels, layers, projection } = shape;
  const pointwiseWeights = (layer: string) =>
    projection === 'conv'
      ? conv2dWeights(`${name}.${layer}`, channels, channels, 1)
      : linearWeights(`${name}.${layer}`, channels, channels);
  const weights = [...normWeights(`${name}.norm`, channels), ...pointwiseWeights('proj_in')];
  for (let i = 0; i < layers; i++) {
    weights.push(
      ...transformerBlockWeights(`${name}.transformer_blocks.${i}`, channels, contextChannels),
    );
  }
  return [...weights, ...pointwiseWeights('proj_out')];
}
