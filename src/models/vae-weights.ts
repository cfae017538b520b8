import type { WeightShape } from '../engine';
import * as nn from '../nn';
import type { VaeConfig } from './vae-config';

/** Weights of one resolution of the encoder or decoder. */
export type VaeBlock = {
  readonly resnets: readonly nn.ResnetBlock[];
  readonly downsamplers?: readonly [{ readonly conv: nn.Conv2d }];
  readonly upsamplers?: readonly [{ readonly conv: nn.Conv2d }];
};

/** Weights of the middle, at the coarsest resolution. */
export type VaeMidBlock = {
  readonly resnets: readonly [nn.ResnetBlock, nn.ResnetBlock];
  readonly attentions?: readonly [nn.ImageAttention];
};

export type VaeEncoder = {
  readonly conv_in: nn.Conv2d;
  readonly down_blocks: readonly VaeBlock[];
  readonly mid_block: VaeMidBlock;
  readonly conv_norm_out: nn.Norm;
  readonly conv_out: nn.Conv2d;
};

export type VaeDecoder = {
  readonly conv_in: nn.Conv2d;
  readonly mid_block: VaeMidBlock;
  readonly up_blocks: readonly VaeBlock[]; // coarsest first
  readonly conv_norm_out: nn.Norm;
  readonly conv_out: nn.Conv2d;
};

/** Weights of `AutoencoderKL`. */
export type VaeParams = {
  readonly encoder: VaeEncoder;
  readonly decoder: VaeDecoder;
  readonly quant_conv?: nn.Conv2d;
  readonly post_quant_conv?: nn.Conv2d;
};

/** Names and PyTorch shapes of every weight, in the order of PyTorch's state dict. */
export function vaeWeights(config: VaeConfig): WeightShape[] {
  const { latentChannels: z } = config;
  return [
    ...encoderWeights(config),
    ...decoderWeights(config),
    ...(config.quantConv === 'present' ? nn.conv2dWeights('quant_conv', 2 * z, 2 * z, 1) : []),
    ...(config.postQuantConv === 'present' ? nn.conv2dWeights('post_quant_conv', z, z, 1) : []),
  ];
}

function encoderWeights(config: VaeConfig): WeightShape[] {
  const { blockOutChannels: channels, layersPerBlock, latentChannels } = config;
  const [finest = 0, coarsest = 0] = [channels[0], channels[channels.length - 1]];
  const blocks = channels.flatMap((outputs, i) => {
    const name = `encoder.down_blocks.${i}`;
    const inputs = channels[i - 1] ?? outputs;
    return [
      ...resnetsWeights(name, inputs, outputs, layersPerBlock),
      ...(i < channels.length - 1
        ? nn.conv2dWeights(`${name}.downsamplers.0.conv`, outputs, outputs)
        : []),
    ];
  });
  return [
    ...nn.conv2dWeights('encoder.conv_in', config.inChannels, finest),
    ...blocks,
    ...midWeights('encoder.mid_block', config, coarsest),
    ...nn.normWeights('encoder.conv_norm_out', coarsest),
    ...nn.conv2dWeights('encoder.conv_out', coarsest, 2 * latentChannels),
  ];
}

function decoderWeights(config: VaeConfig): WeightShape[] {
  const channels = [...config.blockOutChannels].reverse(); // coarsest first
  const [coarsest = 0, finest = 0] = [channels[0], channels[channels.length - 1]];
  const blocks = channels.flatMap((outputs, i) => {
    const name = `decoder.up_blocks.${i}`;
    const inputs = channels[i - 1] ?? outputs;
    return [
      ...resnetsWeights(name, inputs, outputs, config.layersPerBlock + 1),
      ...(i < channels.length - 1
        ? nn.conv2dWeights(`${name}.upsamplers.0.conv`, outputs, outputs)
        : []),
    ];
  });
  return [
    ...nn.conv2dWeights('decoder.conv_in', config.latentChannels, coarsest),
    ...blocks,
    ...midWeights('decoder.mid_block', config, coarsest),
    ...nn.normWeights('decoder.conv_norm_out', finest),
    ...nn.conv2dWeights('decoder.conv_out', finest, config.outChannels),
  ];
}

function resnetsWeights(
  block: string,
  inputs: number,
  outputs: number,
  count: number,
): WeightShape[] {
  return Array.from({ length: count }, (_, j) =>
    nn.resnetWeights(`${block}.resnets.${j}`, { inputs: j === 0 ? inputs : outputs, outputs }),
  ).flat();
}

function midWeights(block: string, config: VaeConfig, channels: number): WeightShape[] {
  return [
    ...(config.midAttention === 'attention'
      ? nn.imageAttentionWeights(`${block}.attentions.0`, channels)
      : []),
    ...resnetsWeights(block, channels, channels, 2),
  ];
}
