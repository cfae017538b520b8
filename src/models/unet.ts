// B images, H × W latent positions, C latent channels, L text positions, E text width
import { type AttentionSlice, concat, recomputed, scoped, silu, Tensor } from '../engine';
import * as nn from '../nn';
import type { Model } from './model';
import type { UNetConfig, UNetLevel } from './unet-config';
import { levelAt, type UNetBlock, type UNetMidBlock, type UNetParams } from './unet-weights';

export type UNet = Model<UNetConfig, UNetParams>;

/** What the denoiser is told besides the time. */
export interface TextConditioning {
  /** [B, L, E] */
  readonly encoderHiddenStates: Tensor;
  /** SDXL only: pooled text [B, P], and six sizes per image. */
  readonly added?: {
    readonly textEmbeds: Tensor;
    readonly timeIds: readonly (readonly number[])[];
  };
}

export interface UNetOptions extends TextConditioning {
  /** `blocks`: keep no activations inside blocks, compute them again for the gradient. @default 'none' */
  readonly recompute?: 'none' | 'blocks';
  /** Heads of each attention at once, where scores are stored: in plain mode. @default all */
  readonly attentionSlice?: AttentionSlice | undefined;
}

/** What every block of one forward pass is given. */
interface Pass {
  readonly config: UNetConfig;
  readonly recompute: 'none' | 'blocks';
  readonly timeFeatures: Tensor; // silu of the time embedding, [B, D]
  readonly encoderHiddenStates: Tensor;
  readonly attentionSlice: AttentionSlice | undefined;
}

/**
 * The denoiser: predicts what `prediction_type` says (for SD 1.x the noise) from a noisy sample.
 * Upstream: diffusers `UNet2DConditionModel.forward`.
 * @param sample noisy latents, [B, H, W, C]
 * @param timesteps one per image
 * @returns [B, H, W, C]
 */
export const unet = scoped(
  'unet',
  (
    { config, p }: UNet,
    sample: Tensor,
    timesteps: Tensor | ArrayLike<number>,
    options: UNetOptions,
  ): Tensor => {
    const { encoderHiddenStates, recompute = 'none', attentionSlice } = options;
    const times = timesteps instanceof Tensor ? timesteps.dataSync() : timesteps;
    if (times.length !== sample.shape[0]) {
      throw new RangeError(`unet: ${times.length} time steps for a sample of [${sample.shape}]`);
    }
    const timeFeatures = silu(timeEmbedding(config, p, times, options));
    const pass = { config, recompute, timeFeatures, encoderHiddenStates, attentionSlice };

    let h = nn.conv2d(p.conv_in, sample);
    const skips = [h];
    p.down_blocks.forEach((block, i) => {
      h = downBlock(pass, block, h, skips, levelAt(config, i));
    });
    h = midBlock(pass, p.mid_block, h, levelAt(config, config.levels.length - 1));
    p.up_blocks.forEach((block, i) => {
      h = upBlock(pass, block, h, skips, levelAt(config, config.levels.length - 1 - i));
    });
    return nn.conv2d(p.conv_out, nn.groupNormSilu(p.conv_norm_out, h, normOptions(config)));
  },
);

/** Embedding of the time, plus SDXL's embedding of pooled text and sizes. [B, D] */
function timeEmbedding(
  config: UNetConfig,
  p: UNetParams,
  timesteps: ArrayLike<number>,
  { added }: UNetOptions,
): Tensor {
  const { timeOrder: order, freqShift, addition } = config;
  const channels = config.levels[0]?.channels ?? 0;
  const positions = nn.sinusoid(timesteps, { channels, order, freqShift });
  const time = nn.timestepEmbedding(p.time_embedding, positions);
  if (!p.add_embedding || !addition) return time;
  if (!added) throw new TypeError('unet: this model needs added.textEmbeds and added.timeIds');

  const [B = 0] = added.textEmbeds.shape;
  const sizes = nn.sinusoid(added.timeIds.flat(), { channels: addition.timeDim, order, freqShift });
  const features = concat([added.textEmbeds, sizes.reshape([B, -1])], 1); // [B, P + 6·timeDim]
  return time.add(nn.timestepEmbedding(p.add_embedding, features));
}

/** Pushes every output onto `skips`, to be read on the way up. */
function downBlock(pass: Pass, p: UNetBlock, x: Tensor, skips: Tensor[], level: UNetLevel): Tensor {
  let h = x;
  p.resnets.forEach((resnet, j) => {
    h = resnetAndText(pass, resnet, p.attentions?.[j], [h], level);
    skips.push(h);
  });
  const [downsampler] = p.downsamplers ?? [];
  if (!downsampler) return h;
  h = nn.downsample(downsampler, h, { border: [1, 1] }); // [B, ⌈H/2⌉, ⌈W/2⌉, C]
  skips.push(h);
  return h;
}

/** Residual block, transformer, residual block, all at the coarsest level. */
function midBlock(pass: Pass, p: UNetMidBlock, x: Tensor, level: UNetLevel): Tensor {
  const [before, after] = p.resnets;
  const [attention] = p.attentions;
  const h = resnetAndText(pass, before, attention, [x], level);
  return resnetAndText(pass, after, undefined, [h], level);
}

/** Takes one skip from the way down for every residual block. */
function upBlock(pass: Pass, p: UNetBlock, x: Tensor, skips: Tensor[], level: UNetLevel): Tensor {
  let h = x;
  p.resnets.forEach((resnet, j) => {
    const skip = skips.pop();
    if (!skip) throw new RangeError('unet: the way up has more blocks than the way down');
    h = resnetAndText(pass, resnet, p.attentions?.[j], [h, skip], level);
  });
  const [upsampler] = p.upsamplers ?? [];
  const [, rows, columns] = skips[skips.length - 1]?.shape ?? [];
  if (!upsampler || rows === undefined || columns === undefined) return h;
  return nn.upsample(upsampler, h, { size: [rows, columns] });
}

/**
 * A residual block and, where the level has one, its transformer: the unit of recomputation.
 * @param maps joined along the channels: what came before and, on the way up, a skip
 */
const resnetAndText = scoped(
  'resnetAndText',
  (
    { config, recompute, ...pass }: Pass,
    resnet: nn.ResnetBlock,
    attention: nn.Transformer2d | undefined,
    maps: readonly [Tensor] | readonly [Tensor, Tensor],
    { heads }: UNetLevel,
  ): Tensor => {
    const sizes = { heads, slice: pass.attentionSlice, groups: config.normNumGroups };
    const block = (timeFeatures: Tensor, encoderHiddenStates: Tensor, x: Tensor, skip?: Tensor) => {
      const joined = skip ? concat([x, skip], 3) : x;
      const h = nn.resnetBlock(resnet, joined, { ...normOptions(config), timeFeatures });
      return attention ? nn.transformer2d(attention, h, { ...sizes, encoderHiddenStates }) : h;
    };
    const run = recompute === 'blocks' ? recomputed('resnetAndText', block) : block;
    return run(pass.timeFeatures, pass.encoderHiddenStates, ...maps);
  },
);

function normOptions({ normNumGroups, normEps }: UNetConfig): nn.GroupNormOptions {
  return { groups: normNumGroups, epsilon: normEps };
}
