import assert from 'node:assert/strict';
import type { WeightShape } from '../../src/engine';
import {
  clipModelConfig,
  clipModelWeights,
  clipTextConfig,
  clipTextWeights,
  clipVisionConfig,
  unetConfig,
  unetWeights,
  vaeConfig,
  vaeWeights,
} from '../../src/models';
import { modelCase } from '../support/model-fixture';

/** The `unet/config.json` of runwayml/stable-diffusion-v1-5. */
const SD15_UNET = {
  _class_name: 'UNet2DConditionModel',
  _diffusers_version: '0.6.0',
  act_fn: 'silu',
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  center_input_sample: false,
  cross_attention_dim: 768,
  down_block_types: [
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'DownBlock2D',
  ],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
  sample_size: 64,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};

/** What differs in the `unet/config.json` of stabilityai/stable-diffusion-xl-base-1.0. */
const SDXL_UNET = {
  ...SD15_UNET,
  addition_embed_type: 'text_time',
  addition_embed_type_num_heads: 64,
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  projection_class_embeddings_input_dim: 2816,
  sample_size: 128,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  use_linear_projection: true,
  upcast_attention: null,
};

const SD15_VAE = {
  _class_name: 'AutoencoderKL',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array(4).fill('DownEncoderBlock2D'),
  up_block_types: Array(4).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
  sample_size: 512,
};

const CLIP_L_TEXT = {
  architectures: ['CLIPTextModel'],
  eos_token_id: 2,
  hidden_size: 768,
  intermediate_size: 3072,
  num_attention_heads: 12,
  torch_dtype: 'float32',
};

/** The sizes of laion/CLIP-ViT-H-14-laion2B-s32B-b79K, on which PickScore is built. */
const CLIP_H = {
  projection_dim: 1024,
  text_config: {
    hidden_act: 'gelu',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 24,
  },
  vision_config: {
    hidden_act: 'gelu',
    hidden_size: 1280,
    intermediate_size: 5120,
    num_attention_heads: 16,
    num_hidden_layers: 32,
    patch_size: 14,
  },
};

const count = (weights: readonly WeightShape[]) =>
  weights.reduce((sum, [, shape]) => sum + shape.reduce((n, d) => n * d, 1), 0);

describe('weight lists', () => {
  it('have the published parameter counts', () => {
    assert.equal(count(unetWeights(unetConfig(SD15_UNET))), 859_520_964);
    assert.equal(count(unetWeights(unetConfig(SDXL_UNET))), 2_567_463_684);
    assert.equal(count(vaeWeights(vaeConfig(SD15_VAE))), 83_653_863);
    assert.equal(count(clipTextWeights(clipTextConfig(CLIP_L_TEXT))), 123_060_480);
    assert.equal(count(clipModelWeights(clipModelConfig(CLIP_H))), 986_109_441);
  });

  it('name no weight twice', () => {
    const names = unetWeights(unetConfig(SDXL_UNET)).map(([name]) => name);
    assert.equal(new Set(names).size, names.length);
  });
});

describe('unetConfig', () => {
  it('reads attention_head_dim as the number of heads', () => {
    const { levels } = unetConfig(SD15_UNET);
    assert.deepEqual(
      levels.map(({ heads }) => heads),
      [8, 8, 8, 8],
    );
    assert.deepEqual(
      unetConfig(SDXL_UNET).levels.map(({ heads }) => heads),
      [5, 10, 20],
    );
  });

  it('fills absent fields with the defaults of diffusers', () => {
    const { json, ...config } = unetConfig({ cross_attention_dim: 768 });
    const { json: _, ...sd15 } = unetConfig(SD15_UNET);
    assert.deepEqual(config, sd15);
    assert.deepEqual(json, { cross_attention_dim: 768 });
  });

  it('keeps the file as it was read', () => {
    assert.equal(unetConfig(SD15_UNET).json, SD15_UNET);
  });

  const refused: Record<string, unknown> = {
    num_attention_heads: 8,
    class_embed_type: 'projection',
    resnet_time_scale_shift: 'scale_shift',
    mid_block_type: null,
    only_cross_attention: true,
    dual_cross_attention: true,
    time_embedding_type: 'fourier',
    time_cond_proj_dim: 256,
    addition_embed_type: 'text_image',
    act_fn: 'gelu',
    dropout: 0.1,
    conv_in_kernel: 5,
    norm_eps: null,
    center_input_sample: true,
    norm_num_groups: 7,
    attention_head_dim: [8, 8],
    block_out_channels: [320, 640.5],
    freq_shift: 'small',
    down_block_types: ['DownBlock2D'],
    up_block_types: Array(4).fill('AttnUpBlock2D'),
    _class_name: 'UNet3DConditionModel',
    never_seen_before: 3,
  };
  for (const [name, value] of Object.entries(refused)) {
    it(`refuses ${name} = ${JSON.stringify(value)} by name`, () => {
      const mention = name === 'norm_num_groups' ? 'groups' : name;
      assert.throws(() => unetConfig({ ...SD15_UNET, [name]: value }), {
        name: 'RangeError',
        message: new RegExp(`^UNet config: .*${mention}`),
      });
    });
  }

  it('accepts fields at the value where they change nothing', () => {
    const neutral = {
      dropout: 0,
      num_attention_heads: null,
      upcast_attention: true,
      someday: null,
    };
    assert.equal(unetConfig({ ...SD15_UNET, ...neutral, _note: 'x' }).inChannels, 4);
  });
});

describe('vaeConfig', () => {
  it('refuses what changes the latents, by name', () => {
    for (const [name, value] of [
      ['shift_factor', 0.1],
      ['latents_mean', [0, 0, 0, 0]],
      ['act_fn', 'relu'],
      ['block_out_channels', [128]],
      ['norm_num_groups', 3],
      ['down_block_types', Array(4).fill('AttnDownEncoderBlock2D')],
    ] as const) {
      const mention = name === 'norm_num_groups' ? 'groups' : name;
      assert.throws(() => vaeConfig({ ...SD15_VAE, [name]: value }), new RegExp(mention));
    }
  });
});

describe('clipTextConfig, clipVisionConfig and clipModelConfig', () => {
  it('refuse what changes the computation, by name', () => {
    for (const field of [{ hidden_act: 'relu' }, { is_decoder: true }, { rope_theta: 1e4 }]) {
      const [name = ''] = Object.keys(field);
      assert.throws(() => clipTextConfig({ ...CLIP_L_TEXT, ...field }), new RegExp(`"${name}"`));
      assert.throws(() => clipVisionConfig(field), new RegExp(`"${name}"`));
      assert.throws(() => clipModelConfig({ vision_config: field }), new RegExp(`"${name}"`));
    }
    assert.throws(() => clipTextConfig({ hidden_size: 10, num_attention_heads: 4 }), /4 heads/);
  });

  it('let the repeated tower configs of 2022 win, as transformers does', () => {
    const { text, vision } = clipModelConfig({
      text_config: { hidden_size: 512, eos_token_id: 2 },
      text_config_dict: { hidden_size: 1024, hidden_act: 'gelu', num_attention_heads: 16 },
      vision_config: { patch_size: 14 },
      vision_config_dict: null,
    });
    assert.deepEqual(
      [text.hiddenSize, text.activation, text.eosTokenId, vision.patchSize],
      [1024, 'gelu', 49407, 14],
    );
  });

  it('read every config in the fixtures', () => {
    assert.equal(clipModelConfig(modelCase('clip-gelu').config).vision.activation, 'gelu');
  });
});
