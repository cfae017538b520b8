import type { WeightShape } from '../engine';
import * as nn from '../nn';
import type { UNetConfig, UNetLevel } from './unet-config';

/** Weights of one level on one way. */
export type UNetBlock = {
  readonly resnets: readonly nn.ResnetBlock[];
  readonly attentions?: readonly nn.Transformer2d[];
  readonly downsamplers?: readonly [{ readonly conv: nn.Conv2d }];
  readonly upsamplers?: readonly [{ readonly conv: nn.Conv2d }];
};

/** Weights of the middle, at the coarsest resolution. */
export type UNetMidBlock = {
  readonly resnets: readonly [nn.ResnetBlock, nn.ResnetBlock];
  readonly attentions: readonly [nn.Transformer2d];
};

/** Weights of `UNet2DConditionModel`. */
export type UNetParams = {
  readonly conv_in: nn.Conv2d;
  readonly time_embedding: nn.TimestepEmbedding;
  readonly add_embedding?: nn.TimestepEmbedding; // SDXL
  readonly down_blocks: readonly UNetBlock[];
  readonly mid_block: UNetMidBlock;
  readonly up_blocks: readonly UNetBlock[]; // coarsest first
  readonly conv_norm_out: nn.Norm;
  readonly conv_out: nn.Conv2d;
};

/** Names and PyTorch shapes of every weight, in the order of PyTorch's state dict. */
export function unetWeights(config: UNetConfig): WeightShape[] {
  const { levels, timeEmbedDim, addition } = config;
  const finest = levels[0]?.channels ?? 0;
  return [
    ...nn.conv2dWeights('conv_in', config.inChannels, finest),
    ...nn.timestepEmbeddingWeights('time_embedding', finest, timeEmbedDim),
    ...(addition
      ? nn.timestepEmbeddingWeights('add_embedding', addition.inputDim, timeEmbedDim)
      : []),
    ...levels.flatMap((_, i) => downWeights(config, i)),
    ...levels.flatMap((_, i) => upWeights(config, levels.length - 1 - i)),
    ...midWeights(config),
    ...nn.normWeights('conv_norm_out', finest),
    ...nn.conv2dWeights('conv_out', finest, config.outChannels),
  ];
}

function downWeights(config: UNetConfig, i: number): WeightShape[] {
  const level = levelAt(config, i);
  const name = `down_blocks.${i}`;
  const before = config.levels[i - 1]?.channels ?? level.channels;
  const inputs = range(level.layers).map((j) => (j === 0 ? before : level.channels));
  return [
    ...(level.down === 'attention' ? attentionsWeights(config, name, level, level.layers) : []),
    ...resnetsWeights(config, name, level.channels, inputs),
    ...(i < config.levels.length - 1
      ? nn.conv2dWeights(`${name}.downsamplers.0.conv`, level.channels, level.channels)
      : []),
  ];
}

/** Each block of the way up reads what came before beside one output of the way down. */
function upWeights(config: UNetConfig, i: number): WeightShape[] {
  const level = levelAt(config, i);
  const name = `up_blocks.${config.levels.length - 1 - i}`;
  const below = config.levels[i + 1]?.channels ?? level.channels;
  const above = config.levels[i - 1]?.channels ?? level.channels;
  const inputs = range(level.layers + 1).map((j) => {
    const previous = j === 0 ? below : level.channels;
    const skip = j === level.layers ? above : level.channels;
    return previous + skip;
  });
  return [
    ...(level.up === 'attention' ? attentionsWeights(config, name, level, inputs.length) : []),
    ...resnetsWeights(config, name, level.channels, inputs),
    ...(i > 0 ? nn.conv2dWeights(`${name}.upsamplers.0.conv`, level.channels, level.channels) : []),
  ];
}

function midWeights(config: UNetConfig): WeightShape[] {
  const level = levelAt(config, config.levels.length - 1);
  return [
    ...attentionsWeights(config, 'mid_block', level, 1),
    ...resnetsWeights(config, 'mid_block', level.channels, [level.channels, level.channels]),
  ];
}

function attentionsWeights(
  config: UNetConfig,
  block: string,
  level: UNetLevel,
  count: number,
): WeightShape[] {
  const shape: nn.Transformer2dShape = {
    channels: level.channels,
    contextChannels: level.crossAttentionDim,
    layers: level.transformerLayers,
    projection: config.projection,
  };
  return range(count).flatMap((j) => nn.transformer2dWeights(`${block}.attentions.${j}`, shape));
}

function resnetsWeights(
  config: UNetConfig,
  block: string,
  outputs: number,
  inputs: readonly number[],
): WeightShape[] {
  const timeChannels = config.timeEmbedDim;
  return inputs.flatMap((width, j) =>
    nn.resnetWeights(`${block}.resnets.${j}`, { inputs: width, outputs, timeChannels }),
  );
}

/** Level `i`, 0 the finest. */
export function levelAt(config: UNetConfig, i: number): UNetLevel {
  const level = config.levels[i];
  if (!level) throw new RangeError(`UNet: no level ${i} among ${config.levels.length}`);
  return level;
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
