import { scoped, type Tensor, type WeightShape } from '../engine';
import { type Attention, attention } from './attention';
import { linearWeights } from './linear';
import { type GroupNormOptions, groupNorm, type Norm, normWeights } from './norm';

/** Weights of the autoencoder's attention over all positions of a feature map. */
export type ImageAttention = Attention & { readonly group_norm: Norm };

/**
 * One-head self-attention over the H·W positions, with its own norm and residual.
 * @param x [B, H, W, C]
 * @returns [B, H, W, C]
 */
export const imageAttention = scoped(
  'imageAttention',
  (p: ImageAttention, x: Tensor, norm: GroupNormOptions): Tensor => {
    const [B = 0, H = 0, W = 0, C = 0] = x.shape;
    const positions = groupNorm(p.group_norm, x, norm).reshape([B, H * W, C]);
    const residual = x.reshape([B, H * W, C]);
    return attention(p, positions, { heads: 1, context: positions, residual }).reshape(x.shape);
  },
);

/** Names and PyTorch shapes; here all four projections have a bias. */
export function imageAttentionWeights(name: string, channels: number): WeightShape[] {
  return [
    ...normWeights(`${name}.group_norm`, channels),
    ...linearWeights(`${name}.to_q`, channels, channels),
    ...linearWeights(`${name}.to_k`, channels, channels),
    ...linearWeights(`${name}.to_v`, channels, channels),
    ...linearWeights(`${name}.to_out.0`, channels, channels),
  ];
}
