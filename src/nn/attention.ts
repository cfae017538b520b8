import { type AttentionSlice, attention as attend, type Tensor, type WeightShape } from '../engine';
import { biaslessLinearWeights, type Linear, linear, linearWeights } from './linear';

/** Weights of diffusers' `Attention`: self-attention, or cross-attention to a context. */
export type Attention = {
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear]; // upstream's second entry is a dropout
};

export interface AttentionOptions {
  readonly heads: number;
  /** Heads at once. @default all */
  readonly slice?: AttentionSlice | undefined;
  /** Where keys and values come from. [B, L, E] */
  readonly context: Tensor;
  /** Added to the result. [B, S, C] */
  readonly residual: Tensor;
}

/**
 * `residual + W_o · softmax(q kᵀ / √d) v`, heads side by side in the last axis.
 * Source: Vaswani et al. 2017, equation 1.
 * @param x [B, S, C]
 * @returns [B, S, C]
 */
export function attention(p: Attention, x: Tensor, options: AttentionOptions): Tensor {
  const { heads, slice, context, residual } = options;
  const q = linear(p.to_q, x);
  const k = linear(p.to_k, context); // [B, L, C]
  const v = linear(p.to_v, context);
  return linear(p.to_out[0], attend(q, k, v, { heads, slice }), { residual }); // [B, S, C]
}

/** Names and PyTorch shapes; the three input projections have no bias. */
export function attentionWeights(
  name: string,
  channels: number,
  contextChannels: number,
): WeightShape[] {
  return [
    ...biaslessLinearWeights(`${name}.to_q`, channels, channels),
    ...biaslessLinearWeights(`${name}.to_k`, contextChannels, channels),
    ...biaslessLinearWeights(`${name}.to_v`, contextChannels, channels),
    ...linearWeights(`${name}.to_out.0`, channels, channels),
  ];
}
