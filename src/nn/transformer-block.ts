import { type AttentionSlice, scoped, type Tensor, type WeightShape } from '../engine';
import { type Attention, attention, attentionWeights } from './attention';
import { type FeedForward, feedForward, feedForwardWeights } from './feed-forward';
import { layerNorm, type Norm, normWeights } from './norm';

/** Weights of diffusers' `BasicTransformerBlock`. */
export type TransformerBlock = {
  readonly norm1: Norm;
  readonly attn1: Attention; // among the positions
  readonly norm2: Norm;
  readonly attn2: Attention; // from the positions to the text
  readonly norm3: Norm;
  readonly ff: FeedForward;
};

export interface TransformerOptions {
  readonly heads: number;
  /** Heads at once in each attention. @default all */
  readonly slice?: AttentionSlice | undefined;
  /** The text. [B, L, E] */
  readonly encoderHiddenStates: Tensor;
}

const NORM = { epsilon: 1e-5 };

/**
 * Self-attention, cross-attention and feed-forward, each normed before and added to its input.
 * @param x [B, S, C]
 * @returns [B, S, C]
 */
export const transformerBlock = scoped(
  'transformerBlock',
  (p: TransformerBlock, x: Tensor, options: TransformerOptions): Tensor => {
    const { heads, slice, encoderHiddenStates } = options;
    const h1 = layerNorm(p.norm1, x, NORM);
    x = attention(p.attn1, h1, { heads, slice, context: h1, residual: x });
    const h2 = layerNorm(p.norm2, x, NORM);
    x = attention(p.attn2, h2, { heads, slice, context: encoderHiddenStates, residual: x });
    return feedForward(p.ff, layerNorm(p.norm3, x, NORM), { residual: x });
  },
);

/** Names and PyTorch shapes, in state-dict order. */
export function transformerBlockWeights(
  name: string,
  channels: number,
  contextChannels: number,
): WeightShape[] {
  return [
    ...normWeights(`${name}.norm1`, channels),
    ...attentionWeights(`${name}.attn1`, channels, channels),
    ...normWeights(`${name}.norm2`, channels),
    ...attentionWeights(`${name}.attn2`, channels, contextChannels),
    ...normWeights(`${name}.norm3`, channels),
    ...feedForwardWeights(`${name}.ff`, channels),
  ];
}
