// B images, H × W pixels, C image channels, h × w latent positions, Z latent channels
import { inTurn, scoped, split, type Tensor } from '../engine';
import * as nn from '../nn';
import type { Model } from './model';
import type { VaeConfig } from './vae-config';
import { decodeInParts, encodeInParts, type VaeParts } from './vae-tiling';
import type { VaeBlock, VaeMidBlock, VaeParams } from './vae-weights';

export type Vae = Model<VaeConfig, VaeParams>;

/** A normal distribution for every latent number. Both [B, h, w, Z]. */
export interface Posterior {
  readonly mean: Tensor;
  readonly logvar: Tensor;
}

/**
 * The distribution of latents that stand for an image. Source: Rombach et al. 2022, section 3.1.
 * @param pixelValues in −1…1, [B, H, W, C]
 * @returns mean and log variance, each [B, h, w, Z]; not yet multiplied by the scaling factor
 */
export const encode = scoped(
  'encode',
  (vae: Vae, pixelValues: Tensor, parts: VaeParts = {}): Posterior => {
    const { config } = vae;
    const moments = encodeInParts(config, pixelValues, parts, (x) => momentsOf(vae, x));
    const Z = config.latentChannels;
    const [mean, logvar] = split(moments, [Z, Z], 3) as [Tensor, Tensor];
    return { mean, logvar: logvar.clip(-30, 20) };
  },
);

/** Mean and log variance side by side. [B, H, W, C] → [B, h, w, 2Z] */
const momentsOf = scoped('momentsOf', ({ config, p }: Vae, pixelValues: Tensor): Tensor => {
  const { encoder } = p;
  const norm = normOptions(config);

  const h = inTurn(pixelValues, [
    (x) => nn.conv2d(encoder.conv_in, x),
    ...encoder.down_blocks.flatMap((block) => blockSteps(block, norm)),
    (x) => midBlock(encoder.mid_block, x, norm),
    (x) => nn.groupNormSilu(encoder.conv_norm_out, x, norm),
    (x) => nn.conv2d(encoder.conv_out, x), // [B, h, w, 2Z]
  ]);
  return p.quant_conv ? nn.conv2d(p.quant_conv, h) : h;
});

/** `mean + σ · noise`, with `noise` standard normal, [B, h, w, Z]. */
export const samplePosterior = scoped(
  'samplePosterior',
  ({ mean, logvar }: Posterior, noise: Tensor): Tensor =>
    mean.add(logvar.mul(0.5).exp().mul(noise)),
);

/**
 * The image that latents stand for.
 * @param latents already divided by the scaling factor, [B, h, w, Z]
 * @returns pixels, mostly within −1…1, [B, H, W, C]
 */
export const decode = scoped(
  'decode',
  (vae: Vae, latents: Tensor, parts: VaeParts = {}): Tensor =>
    decodeInParts(vae.config, latents, parts, (z) => imageOf(vae, z)),
);

/** [B, h, w, Z] → [B, H, W, C] */
const imageOf = scoped('imageOf', ({ config, p }: Vae, latents: Tensor): Tensor => {
  const { decoder } = p;
  const norm = normOptions(config);

  const z = p.post_quant_conv ? nn.conv2d(p.post_quant_conv, latents) : latents;
  return inTurn(z, [
    (x) => nn.conv2d(decoder.conv_in, x),
    (x) => midBlock(decoder.mid_block, x, norm),
    ...decoder.up_blocks.flatMap((block) => blockSteps(block, norm)),
    (x) => nn.groupNormSilu(decoder.conv_norm_out, x, norm),
    (x) => nn.conv2d(decoder.conv_out, x),
  ]);
});

/**
 * Latents as the UNet sees them: one draw from the posterior, times the scaling factor.
 * @param pixelValues in −1…1, [B, H, W, C]
 * @param noise standard normal, [B, h, w, Z]
 * @returns [B, h, w, Z]
 */
export const latentsFromPixels = scoped(
  'latentsFromPixels',
  (vae: Vae, pixelValues: Tensor, noise: Tensor, parts: VaeParts = {}): Tensor =>
    samplePosterior(encode(vae, pixelValues, parts), noise).mul(vae.config.scalingFactor),
);

/** The image of latents as the UNet sees them. [B, h, w, Z] → [B, H, W, C] */
export const pixelsFromLatents = scoped(
  'pixelsFromLatents',
  (vae: Vae, latents: Tensor, parts: VaeParts = {}): Tensor =>
    decode(vae, latents.div(vae.config.scalingFactor), parts),
);

/** One resolution, [B, H, W, C], and the way to the next: [B, ⌊H/2⌋, ⌊W/2⌋, C′] down, [B, 2H, 2W, C′] up. */
const blockSteps = ({ resnets, downsamplers, upsamplers }: VaeBlock, norm: nn.GroupNormOptions) => [
  ...resnets.map((p) => (x: Tensor) => nn.resnetBlock(p, x, norm)),
  ...(downsamplers ?? []).map((p) => (x: Tensor) => nn.downsample(p, x, { border: [0, 1] })),
  ...(upsamplers ?? []).map((p) => (x: Tensor) => nn.upsample(p, x)),
];

function midBlock(p: VaeMidBlock, x: Tensor, norm: nn.GroupNormOptions): Tensor {
  const [before, after] = p.resnets;
  const h = nn.resnetBlock(before, x, norm);
  const [attention] = p.attentions ?? [];
  return nn.resnetBlock(after, attention ? nn.imageAttention(attention, h, norm) : h, norm);
}

function normOptions({ normNumGroups }: VaeConfig): nn.GroupNormOptions {
  return { groups: normNumGroups, epsilon: 1e-6 };
}
