import type { ProjectionKind } from '../nn';
import { ConfigFields } from './config-fields';
import type { ConfigJson } from './model';

/** One resolution of the UNet; the way down and the way up pass the same levels. */
export interface UNetLevel {
  readonly channels: number;
  /** Residual blocks on the way down; the way up has one more. */
  readonly layers: number;
  readonly down: 'attention' | 'plain';
  readonly up: 'attention' | 'plain';
  readonly heads: number;
  readonly transformerLayers: number;
  /** Width of the text states that cross-attention reads. */
  readonly crossAttentionDim: number;
}

/** SDXL's extra conditioning: pooled text and six sizes, embedded and added to the time. */
export interface TextTimeConfig {
  /** Width of each size's sinusoid. */
  readonly timeDim: number;
  /** Width of the pooled text beside the six sinusoids. */
  readonly inputDim: number;
}

/** What a `UNet2DConditionModel` looks like, read from its `config.json`. */
export interface UNetConfig {
  /** The file as it was read, to be written back unchanged. */
  readonly json: ConfigJson;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Finest first. */
  readonly levels: readonly UNetLevel[];
  readonly projection: ProjectionKind;
  readonly normNumGroups: number;
  readonly normEps: number;
  readonly timeEmbedDim: number;
  readonly timeOrder: 'cos-sin' | 'sin-cos';
  readonly freqShift: number;
  readonly addition?: TextTimeConfig;
}

/** Fields whose other values mean another network, at the value that leaves ours unchanged. */
const NEUTRAL = {
  _class_name: 'UNet2DConditionModel',
  center_input_sample: false,
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  only_cross_attention: false,
  mid_block_only_cross_attention: false,
  downsample_padding: 1,
  mid_block_scale_factor: 1,
  dropout: 0,
  reverse_transformer_layers_per_block: null,
  encoder_hid_dim: null,
  encoder_hid_dim_type: null,
  num_attention_heads: null,
  dual_cross_attention: false,
  class_embed_type: null,
  num_class_embeds: null,
  class_embeddings_concat: false,
  resnet_time_scale_shift: 'default',
  resnet_skip_time_act: false,
  resnet_out_scale_factor: 1,
  time_embedding_type: 'positional',
  time_embedding_act_fn: null,
  timestep_post_act: null,
  time_cond_proj_dim: null,
  conv_in_kernel: 3,
  conv_out_kernel: 3,
  attention_type: 'default',
  cross_attention_norm: null,
};

/** `upcast_attention` asks for float32, which is what we compute in. */
const HARMLESS = ['sample_size', 'upcast_attention', 'addition_embed_type_num_heads'];

const DOWN = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const UP = ['CrossAttnUpBlock2D', 'UpBlock2D'] as const;

/**
 * Reads and checks a UNet's `config.json` (diffusers 0.2 to 0.42; absent fields have diffusers'
 * defaults).
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function unetConfig(json: ConfigJson): UNetConfig {
  const fields = new ConfigFields('UNet config', json);
  const levels = unetLevels(fields);
  const addition = textTime(fields);
  fields.neutral(NEUTRAL);
  fields.harmless([
    ...HARMLESS,
    'addition_time_embed_dim',
    'projection_class_embeddings_input_dim',
  ]);
  fields.oneOf('act_fn', ['silu', 'swish'], 'silu'); // two names of x·σ(x)
  const config: UNetConfig = {
    json,
    inChannels: fields.count('in_channels', 4),
    outChannels: fields.count('out_channels', 4),
    levels,
    projection: fields.oneOf('use_linear_projection', [true, false], false) ? 'linear' : 'conv',
    normNumGroups: fields.count('norm_num_groups', 32),
    normEps: fields.number('norm_eps', 1e-5),
    timeEmbedDim: fields.optionalCount('time_embedding_dim') ?? 4 * (levels[0]?.channels ?? 0),
    timeOrder: fields.oneOf('flip_sin_to_cos', [true, false], true) ? 'cos-sin' : 'sin-cos',
    freqShift: fields.number('freq_shift', 0),
    addition,
  };
  fields.finish();
  for (const { channels, heads } of levels) {
    if (channels % config.normNumGroups) {
      fields.fail(`${channels} channels do not divide into ${config.normNumGroups} norm groups`);
    }
    if (channels % heads) fields.fail(`${channels} channels do not divide into ${heads} heads`);
  }
  return config;
}

/**
 * The levels, finest first. `attention_head_dim` holds the *number* of heads: a misnomer that
 * diffusers keeps because tens of thousands of published configs rely on it
 * (huggingface/diffusers issue 2011).
 */
function unetLevels(fields: ConfigFields): UNetLevel[] {
  const channels = fields.counts('block_out_channels', [320, 640, 1280, 1280]);
  const n = channels.length;
  const layers = fields.perLevel('layers_per_block', 2, n);
  const heads = fields.perLevel('attention_head_dim', 8, n);
  const transformerLayers = fields.perLevel('transformer_layers_per_block', 1, n);
  const crossAttentionDim = fields.perLevel('cross_attention_dim', 1280, n);
  const [crossDown, plainDown] = DOWN;
  const [crossUp, plainUp] = UP;
  const down = fields.blockTypes('down_block_types', DOWN, [
    crossDown,
    crossDown,
    crossDown,
    plainDown,
  ]);
  const up = fields.blockTypes('up_block_types', UP, [plainUp, crossUp, crossUp, crossUp]);
  if (down.length !== n || up.length !== n) {
    fields.fail(
      `block_out_channels names ${n} levels, down_block_types ${down.length}, up_block_types ${up.length}`,
    );
  }
  return channels.map((width, i) => ({
    channels: width,
    layers: layers[i] ?? 0,
    down: down[i] === crossDown ? 'attention' : 'plain',
    up: up[n - 1 - i] === crossUp ? 'attention' : 'plain', // listed coarsest first
    heads: heads[i] ?? 0,
    transformerLayers: transformerLayers[i] ?? 0,
    crossAttentionDim: crossAttentionDim[i] ?? 0,
  }));
}

function textTime(fields: ConfigFields): TextTimeConfig | undefined {
  if (fields.oneOf('addition_embed_type', [null, 'text_time'], null) === null) return undefined;
  return {
    timeDim: fields.count('addition_time_embed_dim', 0),
    inputDim: fields.count('projection_class_embeddings_input_dim', 0),
  };
}
