import { ConfigFields } from '../models/config-fields';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, type JsonObject } from './json-file';

/** What `open_clip_config.json` says: the model in transformers' words, and how pictures are normalised. */
export interface OpenClipConfig {
  /** A `config.json` of transformers' `CLIPModel`. */
  readonly json: JsonObject;
  readonly contextLength: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073];
const OPENAI_STD = [0.26862954, 0.26130258, 0.27577711];

/** The model of HPS v2 and of the original's CLIP score. Source: open_clip, model_configs/ViT-H-14.json. */
export const VIT_H_14: JsonObject = {
  model_cfg: {
    embed_dim: 1024,
    vision_cfg: { image_size: 224, layers: 32, width: 1280, head_width: 80, patch_size: 14 },
    text_cfg: { context_length: 77, vocab_size: 49408, width: 1024, heads: 16, layers: 24 },
  },
};

/** Parts of other networks. Source: open_clip, model.py, `CLIPVisionCfg` and `CLIPTextCfg`. */
const PLAIN_TOWER = {
  ls_init_value: null,
  final_ln_after_pool: false,
  output_tokens: false,
  act_kwargs: null,
  norm_kwargs: null,
  block_type: null,
  qk_norm: false,
  scaled_cosine_attn: false,
  scale_heads: false,
  scale_attn_inner: false,
  scale_attn: false,
  scale_fc: false,
};
const PLAIN_VISION = {
  ...PLAIN_TOWER,
  attentional_pool: false,
  no_ln_pre: false,
  pos_embed_type: 'learnable',
  pool_type: 'tok',
  timm_model_name: null,
};
const PLAIN_TEXT = {
  ...PLAIN_TOWER,
  hf_model_name: null,
  hf_tokenizer_name: null,
  tokenizer_mode: null,
  tokenizer_kwargs: null,
  embed_cls: false,
  no_causal_mask: false,
  pool_type: 'argmax',
  proj_bias: false,
  proj_type: 'linear',
};
/** Read in training only, or beside another part that is refused. */
const HARMLESS = ['patch_dropout', 'attn_pooler_queries', 'attn_pooler_heads', 'pad_id', 'eos_id'];
const TIMM = ['model_pretrained', 'pool', 'proj', 'proj_bias', 'drop', 'drop_path'];
const HUGGING_FACE = ['hf_model_pretrained', 'hf_proj_type', 'hf_pooler_type'];

/**
 * Reads `open_clip_config.json`.
 * @param path names it in errors
 * @throws CheckpointError naming the field that is wrong, unknown, or of a network that is not supported
 */
export function openClipConfig(path: string, json: JsonObject): OpenClipConfig {
  try {
    return parsed(path, json);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(path, error.message);
    throw error;
  }
}

function parsed(path: string, json: JsonObject): OpenClipConfig {
  const { model_cfg: model, preprocess_cfg: preprocess = {} } = json;
  if (!isJsonObject(model) || !isJsonObject(preprocess))
    throw new CheckpointError(path, 'it needs a "model_cfg"; a "preprocess_cfg" is an object.');
  const fields = new ConfigFields('model_cfg', model);
  fields.harmless(['init_logit_scale', 'output_dict', 'cast_dtype']);
  fields.neutral({ custom_text: false, init_logit_bias: null, nonscalar_logit_scale: false });
  const activation = fields.oneOf('quick_gelu', [false, true], false) ? 'quick_gelu' : 'gelu';
  const { contextLength, ...text } = textConfig(fields.nested('text_cfg'));
  const vision = visionConfig(fields.nested('vision_cfg'));
  const projection = fields.count('embed_dim', 512);
  fields.finish();
  return {
    json: {
      model_type: 'clip',
      projection_dim: projection,
      text_config: { ...text, hidden_act: activation },
      vision_config: { ...vision, hidden_act: activation },
    },
    contextLength,
    mean: perChannel(path, 'mean', preprocess.mean, OPENAI_MEAN),
    std: perChannel(path, 'std', preprocess.std, OPENAI_STD),
  };
}

function textConfig(json: JsonObject) {
  const fields = new ConfigFields('text_cfg', json);
  fields.neutral(PLAIN_TEXT);
  fields.harmless([...HARMLESS, ...HUGGING_FACE]);
  const width = fields.count('width', 512);
  const contextLength = fields.count('context_length', 77);
  const config = {
    hidden_size: width,
    intermediate_size: Math.trunc(width * fields.number('mlp_ratio', 4)),
    num_attention_heads: fields.count('heads', 8),
    num_hidden_layers: fields.count('layers', 12),
    vocab_size: fields.count('vocab_size', 49408),
    max_position_embeddings: contextLength,
    eos_token_id: 2, // pools at the largest id, as OpenCLIP's argmax
    contextLength,
  };
  fields.finish();
  return config;
}

function visionConfig(json: JsonObject) {
  const fields = new ConfigFields('vision_cfg', json);
  fields.neutral(PLAIN_VISION);
  fields.harmless([...HARMLESS, ...TIMM.map((name) => `timm_${name}`)]);
  const width = fields.count('width', 768);
  const config = {
    hidden_size: width,
    intermediate_size: Math.trunc(width * fields.number('mlp_ratio', 4)),
    num_attention_heads: Math.trunc(width / fields.count('head_width', 64)),
    num_hidden_layers: fields.count('layers', 12),
    image_size: fields.count('image_size', 224),
    patch_size: fields.count('patch_size', 16),
  };
  fields.finish();
  return config;
}

function perChannel(path: string, name: string, value: unknown, fallback: readonly number[]) {
  if (value === undefined || value === null) return fallback;
  const isTriple = Array.isArray(value) && value.length === 3;
  if (isTriple && value.every((x) => typeof x === 'number' && Number.isFinite(x)))
    return value as readonly number[];
  throw new CheckpointError(path, `"${name}" must be three numbers; got ${JSON.stringify(value)}.`);
}
