import { ConfigFields } from './config-fields';
import type { ConfigJson } from './model';

/** What an `AutoencoderKL` looks like, read from its `config.json`. */
export interface VaeConfig {
  /** The file as it was read, to be written back unchanged. */
  readonly json: ConfigJson;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Finest first; each level after the first halves the resolution. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks per level of the encoder; the decoder has one more. */
  readonly layersPerBlock: number;
  readonly normNumGroups: number;
  readonly midAttention: 'attention' | 'plain';
  /** What latents are multiplied by before the UNet sees them, so that their variance is 1. */
  readonly scalingFactor: number;
  /** Whether a 1×1 convolution follows the encoder, and one precedes the decoder. */
  readonly quantConv: 'present' | 'absent';
  readonly postQuantConv: 'present' | 'absent';
  /** What it asks to be computed in where the rest is half precision; only SDXL's pipelines heed it. */
  readonly forceUpcast: 'float32' | 'no';
  /** Side in pixels of the pictures it was made for: that of a tile, where large ones are cut. */
  readonly sampleSize: number;
}

/** Pixels per latent position along each side. */
export const vaeScaleFactor = ({ config }: { readonly config: VaeConfig }): number =>
  2 ** (config.blockOutChannels.length - 1);

const NEUTRAL = {
  _class_name: 'AutoencoderKL',
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
};

/**
 * Reads and checks an autoencoder's `config.json` (diffusers 0.2 to 0.42; absent fields have
 * diffusers' defaults).
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function vaeConfig(json: ConfigJson): VaeConfig {
  const fields = new ConfigFields('VAE config', json);
  const blockOutChannels = fields.counts('block_out_channels', [64]);
  const down = fields.blockTypes(
    'down_block_types',
    ['DownEncoderBlock2D'],
    ['DownEncoderBlock2D'],
  );
  const up = fields.blockTypes('up_block_types', ['UpDecoderBlock2D'], ['UpDecoderBlock2D']);
  if (down.length !== blockOutChannels.length || up.length !== blockOutChannels.length) {
    fields.fail(
      `block_out_channels names ${blockOutChannels.length} levels, down_block_types ${down.length}, up_block_types ${up.length}`,
    );
  }
  fields.neutral(NEUTRAL);
  fields.oneOf('act_fn', ['silu', 'swish'], 'silu'); // two names of x·σ(x)
  const flag = (name: string) => fields.oneOf(name, [true, false], true);
  const [sampleSize = 32] = fields.perLevel('sample_size', 32, 2);
  const config: VaeConfig = {
    json,
    inChannels: fields.count('in_channels', 3),
    outChannels: fields.count('out_channels', 3),
    latentChannels: fields.count('latent_channels', 4),
    blockOutChannels,
    layersPerBlock: fields.count('layers_per_block', 1),
    normNumGroups: fields.count('norm_num_groups', 32),
    midAttention: flag('mid_block_add_attention') ? 'attention' : 'plain',
    scalingFactor: fields.number('scaling_factor', 0.18215),
    quantConv: flag('use_quant_conv') ? 'present' : 'absent',
    postQuantConv: flag('use_post_quant_conv') ? 'present' : 'absent',
    forceUpcast: flag('force_upcast') ? 'float32' : 'no',
    sampleSize,
  };
  fields.finish();
  for (const channels of blockOutChannels) {
    if (channels % config.normNumGroups) {
      fields.fail(`${channels} channels do not divide into ${config.normNumGroups} norm groups`);
    }
  }
  return config;
}
