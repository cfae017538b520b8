import { geglu, type Tensor, type WeightShape } from '../engine';
import { type Linear, linear, linearWeights } from './linear';

/** Weights of diffusers' `FeedForward` with a GEGLU; the gap is upstream's dropout. */
export type FeedForward = {
  readonly net: readonly [{ readonly proj: Linear }, unknown, Linear];
};

/**
 * `residual + W₂ (a · gelu(g))` with `[a, g] = W₁ x`. Source: Shazeer 2020, equation 5 (GEGLU).
 * @param x [B, S, C]
 * @returns [B, S, C]
 */
export function feedForward(p: FeedForward, x: Tensor, options: { residual: Tensor }): Tensor {
  const [{ proj }, , out] = p.net;
  const { bias, ...unbiased } = proj; // the gate adds the bias in its own pass
  const gated = geglu(linear(unbiased, x), bias); // [B, S, 8C] → [B, S, 4C]
  return linear(out, gated, options);
}

/** Names and PyTorch shapes; the inner width is four times the outer one. */
export function feedForwardWeights(name: string, channels: number): WeightShape[] {
  const inner = 4 * channels;
  return [
    ...linearWeights(`${name}.net.0.proj`, channels, 2 * inner),
    ...linearWeights(`${name}.net.2`, inner, channels),
  ];
}
