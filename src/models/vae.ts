// B images, H × W pixels, C image channels, h × w latent positions, Z latent channels
import { scoped, split, type Tensor } from '../engine';
import * as nn from '../nn';
import type { Model } from './model';
import type { VaeConfig } from './vae-config';
import type { VaeMidBlock, VaeParams } from './vae-weights';

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
export const encode = scoped('encode', ({ config, p }: Vae, pixelValues: Tensor) => {
  const { encoder } = p;
  const norm = normOptions(config);

  let h = nn.conv2d(encoder.conv_in, pixelValues);
  for (const { resnets, downsamplers } of encoder.down_blocks) {
    for (const resnet of resnets) h = nn.resnetBlock(resnet, h, norm);
    if (downsamplers) h = nn.downsample(downsamplers[0], h, { border: [0, 1] }); // [B, ⌊H/2⌋, …]
  }
  h = midBlock(encoder.mid_block, h, norm);
  h = nn.conv2d(encoder.conv_out, nn.groupNormSilu(encoder.conv_norm_out, h, norm)); // [B, h, w, 2Z]
  if (p.quant_conv) h = nn.conv2d(p.quant_conv, h);

  const Z = config.latentChannels;
  const [mean, logvar] = split(h, [Z, Z], 3) as [Tensor, Tensor];
  return { mean, logvar: logvar.clip(-30, 20) };
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
export const decode = scoped('decode', ({ config, p }: Vae, latents: Tensor): Tensor => {
  const { decoder } = p;
  const norm = normOptions(config);

  const z = p.post_quant_conv ? nn.conv2d(p.post_quant_conv, latents) : latents;
  let h = midBlock(decoder.mid_block, nn.conv2d(decoder.conv_in, z), norm);
  for (const { resnets, upsamplers } of decoder.up_blocks) {
    for (const resnet of resnets) h = nn.resnetBlock(resnet, h, norm);
    if (upsamplers) h = nn.upsample(upsamplers[0], h); // [B, 2H, 2W, C]
  }
  return nn.conv2d(decoder.conv_out, nn.groupNormSilu(decoder.conv_norm_out, h, norm));
});

/**
 * Latents as the UNet sees them: one draw from the posterior, times the scaling factor.
 * @param pixelValues in −1…1, [B, H, W, C]
 * @param noise standard normal, [B, h, w, Z]
 * @returns [B, h, w, Z]
 */
export const latentsFromPixels = scoped(
  'latentsFromPixels',
  (vae: Vae, pixelValues: Tensor, noise: Tensor): Tensor =>
    samplePosterior(encode(vae, pixelValues), noise).mul(vae.config.scalingFactor),
);

/** The image of latents as the UNet sees them. [B, h, w, Z] → [B, H, W, C] */
export const pixelsFromLatents = scoped(
  'pixelsFromLatents',
  (vae: Vae, latents: Tensor): Tensor => decode(vae, latents.div(vae.config.scalingFactor)),
);

function midBlock(p: VaeMidBlock, x: Tensor, norm: nn.GroupNormOptions): Tensor {
  const [before, after] = p.resnets;
  const h = nn.resnetBlock(before, x, norm);
  const [attention] = p.attentions ?? [];
  return nn.resnetBlock(after, attention ? nn.imageAttention(attention, h, norm) : h, norm);
}

function normOptions({ normNumGroups }: VaeConfig): nn.GroupNormOptions {
  return { groups: normNumGroups, epsilon: 1e-6 };
}
