/** The networks of the world, as the config files of diffusers and transformers describe them. */

import type { ConfigJson } from '../models';

/** Tokens of a text, end marks and padding included. */
export const TEXT_LENGTH = 20;

/** Pictures 32 × 32 × 3, latents 8 × 8 × 4. */
export const VAE_JSON = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: '0.32.0',
  act_fn: 'silu',
  block_out_channels: [32, 48, 64],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D'],
  force_upcast: true,
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 1,
  norm_num_groups: 8,
  out_channels: 3,
  sample_size: 32,
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
} as const satisfies ConfigJson;

/** Stable Diffusion 1.5's block types, three levels instead of four. */
export const UNET_JSON = {
  _class_name: 'UNet2DConditionModel',
  _diffusers_version: '0.32.0',
  act_fn: 'silu',
  attention_head_dim: 4,
  block_out_channels: [64, 96, 96],
  center_input_sample: false,
  cross_attention_dim: 64,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 1,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 16,
  out_channels: 4,
  sample_size: 8,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
} as const satisfies ConfigJson;

/** Stable Diffusion 1.5's schedule. */
export const SCHEDULER_JSON = {
  _class_name: 'DDIMScheduler',
  _diffusers_version: '0.32.0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  set_alpha_to_one: false,
  steps_offset: 1,
  timestep_spacing: 'leading',
} as const satisfies ConfigJson;

/** Ids of the end marks of a vocabulary of `size` tokens: the last two, as in CLIP. */
export const endMarks = (size: number) => ({
  bos_token_id: size - 2,
  eos_token_id: size - 1,
  pad_token_id: size - 1,
});

const TEXT_TOWER = {
  hidden_act: 'quick_gelu',
  hidden_size: 64,
  intermediate_size: 256,
  layer_norm_eps: 1e-5,
  max_position_embeddings: TEXT_LENGTH,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  projection_dim: 64,
} as const;

/** Text encoder of the base model. */
export const textEncoderJson = (vocabularySize: number): ConfigJson => ({
  architectures: ['CLIPTextModel'],
  model_type: 'clip_text_model',
  vocab_size: vocabularySize,
  ...endMarks(vocabularySize),
  ...TEXT_TOWER,
});

/** Two-tower CLIP that plays PickScore's part. */
export const scorerJson = (vocabularySize: number): ConfigJson => ({
  architectures: ['CLIPModel'],
  model_type: 'clip',
  logit_scale_init_value: 2.6592,
  projection_dim: 64,
  text_config: {
    model_type: 'clip_text_model',
    vocab_size: vocabularySize,
    ...endMarks(vocabularySize),
    ...TEXT_TOWER,
  },
  vision_config: {
    model_type: 'clip_vision_model',
    hidden_act: 'quick_gelu',
    hidden_size: 96,
    image_size: 32,
    intermediate_size: 384,
    layer_norm_eps: 1e-5,
    num_attention_heads: 4,
    num_channels: 3,
    num_hidden_layers: 4,
    patch_size: 4,
    projection_dim: 64,
  },
});

/** The parts of the base model, as `StableDiffusionPipeline` finds them. */
export const MODEL_INDEX = {
  _class_name: 'StableDiffusionPipeline',
  _diffusers_version: '0.32.0',
  feature_extractor: [null, null],
  requires_safety_checker: false,
  safety_checker: [null, null],
  scheduler: ['diffusers', 'DDIMScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
} as const satisfies ConfigJson;
