import { scoped, type Tensor, type WeightShape } from '../engine';
import { type Conv2d, conv2d, conv2dWeights } from './conv2d';
import { type Linear, linear, linearWeights } from './linear';
import { type GroupNormOptions, groupNormSilu, type Norm, normWeights } from './norm';

/** Weights of diffusers' `ResnetBlock2D`. */
export type ResnetBlock = {
  readonly norm1: Norm;
  readonly conv1: Conv2d;
  readonly time_emb_proj?: Linear; // absent in the autoencoder
  readonly norm2: Norm;
  readonly conv2: Conv2d;
  readonly conv_shortcut?: Conv2d; // only where the channel count changes
};

export interface ResnetOptions extends GroupNormOptions {
  /** `silu` of the time embedding, [B, D]; required where the block has a `time_emb_proj`. */
  readonly timeFeatures?: Tensor;
}

/**
 * Residual block: two normed convolutions around a shift that depends on the time.
 * @param x [B, H, W, C]
 * @returns [B, H, W, C′]
 */
export const resnetBlock = scoped(
  'resnetBlock',
  (p: ResnetBlock, x: Tensor, options: ResnetOptions): Tensor => {
    const { timeFeatures, groups, epsilon } = options;
    const norm = { groups, epsilon };
    const shift = p.time_emb_proj && timeFeatures && linear(p.time_emb_proj, timeFeatures); // [B, C′]
    const shortcut = p.conv_shortcut ? conv2d(p.conv_shortcut, x) : x; // [B, H, W, C′]

    const h = normedConv(p.norm1, p.conv1, x, norm); // [B, H, W, C′]
    return normedConv(p.norm2, p.conv2, h, { ...norm, shift, residual: shortcut });
  },
);

/** `conv(silu(norm(x + shift))) + residual`. A scope of its own: in large pictures the normed map is a large part. */
const normedConv = scoped(
  'normedConv',
  (
    norm: Norm,
    conv: Conv2d,
    x: Tensor,
    { residual, ...options }: GroupNormOptions & { shift?: Tensor; residual?: Tensor },
  ): Tensor => conv2d(conv, groupNormSilu(norm, x, options), { residual }),
);

export interface ResnetShape {
  readonly inputs: number;
  readonly outputs: number;
  /** Width of the time embedding; absent in the autoencoder. */
  readonly timeChannels?: number;
}

/** Names and PyTorch shapes, in state-dict order. */
export function resnetWeights(name: string, shape: ResnetShape): WeightShape[] {
  const { inputs, outputs, timeChannels } = shape;
  return [
    ...normWeights(`${name}.norm1`, inputs),
    ...conv2dWeights(`${name}.conv1`, inputs, outputs),
    ...(timeChannels ? linearWeights(`${name}.time_emb_proj`, timeChannels, outputs) : []),
    ...normWeights(`${name}.norm2`, outputs),
    ...conv2dWeights(`${name}.conv2`, outputs, outputs),
    ...(inputs === outputs ? [] : conv2dWeights(`${name}.conv_shortcut`, inputs, outputs, 1)),
  ];
}
