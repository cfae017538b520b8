import { ConfigFields } from './config-fields';
import type { ConfigJson } from './model';

/** Shape of one CLIP transformer. */
export interface ClipTowerConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly activation: 'quick_gelu' | 'gelu';
  readonly layerNormEps: number;
}

/** What a `CLIPTextModel` or `CLIPTextModelWithProjection` looks like, read from its `config.json`. */
export interface ClipTextConfig extends ClipTowerConfig {
  /** The file as it was read, to be written back unchanged. */
  readonly json: ConfigJson;
  readonly vocabSize: number;
  readonly maxPositions: number;
  /** Which position is pooled: 2, a historical mistake, means "the largest id". */
  readonly eosTokenId: number;
  /** Width of the projected pooled text; absent where there is no projection, whatever the file says. */
  readonly projectionDim?: number;
}

/** What a `CLIPVisionModel` looks like. */
export interface ClipVisionConfig extends ClipTowerConfig {
  readonly json: ConfigJson;
  readonly imageChannels: number;
  readonly imageSize: number;
  readonly patchSize: number;
}

/** What a `CLIPModel` looks like: two towers into one space. */
export interface ClipModelConfig {
  readonly json: ConfigJson;
  readonly text: ClipTextConfig;
  readonly vision: ClipVisionConfig;
  /** Width of the common space. */
  readonly projectionDim: number;
}

interface TowerDefaults {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: 'quick_gelu';
  readonly layer_norm_eps: number;
}

const TOWER_DEFAULTS = {
  num_hidden_layers: 12,
  hidden_act: 'quick_gelu',
  layer_norm_eps: 1e-5,
} as const;

const TEXT_DEFAULTS = {
  ...TOWER_DEFAULTS,
  hidden_size: 512,
  intermediate_size: 2048,
  num_attention_heads: 8,
  vocab_size: 49408,
  max_position_embeddings: 77,
  eos_token_id: 49407,
};

const VISION_DEFAULTS = {
  ...TOWER_DEFAULTS,
  hidden_size: 768,
  intermediate_size: 3072,
  num_attention_heads: 12,
  num_channels: 3,
  image_size: 224,
  patch_size: 32,
};

/** Other values mean another network. */
const NEUTRAL = {
  add_cross_attention: false,
  attention_dropout: 0,
  chunk_size_feed_forward: 0,
  cross_attention_hidden_size: null,
  dropout: 0,
  is_decoder: false,
  is_encoder_decoder: false,
  pruned_heads: {},
  tie_encoder_decoder: false,
};

/** Initialisation, notes, output format, and text generation, which CLIP does not do. */
const HARMLESS = [
  ...['architectures', 'model_type', 'transformers_version', 'torch_dtype', 'dtype'],
  ...['initializer_factor', 'initializer_range', 'projection_dim', 'logit_scale_init_value'],
  ...['id2label', 'label2id', 'problem_type', 'finetuning_task', 'task_specific_params'],
  ...['output_attentions', 'output_hidden_states', 'return_dict', 'torchscript', 'use_bfloat16'],
  ...['tie_word_embeddings', 'tokenizer_class', 'prefix', 'tf_legacy_loss', 'output_scores'],
  ...['bos_token_id', 'pad_token_id', 'sep_token_id', 'decoder_start_token_id'],
  ...['bad_words_ids', 'begin_suppress_tokens', 'diversity_penalty', 'do_sample'],
  ...['early_stopping', 'encoder_no_repeat_ngram_size', 'exponential_decay_length_penalty'],
  ...['forced_bos_token_id', 'forced_eos_token_id', 'length_penalty', 'max_length', 'min_length'],
  ...['no_repeat_ngram_size', 'num_beam_groups', 'num_beams', 'num_return_sequences'],
  ...['remove_invalid_values', 'repetition_penalty', 'return_dict_in_generate', 'suppress_tokens'],
  ...['temperature', 'top_k', 'top_p', 'typical_p'],
];

/**
 * Reads and checks a CLIP text model's `config.json` (transformers 4 and 5; absent fields have
 * transformers' defaults).
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function clipTextConfig(json: ConfigJson): ClipTextConfig {
  const fields = new ConfigFields('CLIP text config', json);
  const config: ClipTextConfig = {
    json,
    ...towerConfig(fields, TEXT_DEFAULTS),
    vocabSize: fields.count('vocab_size', TEXT_DEFAULTS.vocab_size),
    maxPositions: fields.count('max_position_embeddings', TEXT_DEFAULTS.max_position_embeddings),
    eosTokenId: fields.number('eos_token_id', TEXT_DEFAULTS.eos_token_id),
  };
  fields.finish();
  return config;
}

/**
 * Reads and checks the `config.json` of a CLIP text model with a projection. The file of one without says the same.
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function projectedClipTextConfig(json: ConfigJson): ClipTextConfig {
  const projectionDim = new ConfigFields('CLIP text config', json).count('projection_dim', 512);
  return { ...clipTextConfig(json), projectionDim };
}

/**
 * Reads and checks a CLIP vision model's `config.json`.
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function clipVisionConfig(json: ConfigJson): ClipVisionConfig {
  const fields = new ConfigFields('CLIP vision config', json);
  fields.harmless(['eos_token_id']);
  const config: ClipVisionConfig = {
    json,
    ...towerConfig(fields, VISION_DEFAULTS),
    imageChannels: fields.count('num_channels', VISION_DEFAULTS.num_channels),
    imageSize: fields.count('image_size', VISION_DEFAULTS.image_size),
    patchSize: fields.count('patch_size', VISION_DEFAULTS.patch_size),
  };
  fields.finish();
  return config;
}

/**
 * Reads and checks a two-tower CLIP's `config.json`.
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function clipModelConfig(json: ConfigJson): ClipModelConfig {
  const fields = new ConfigFields('CLIP config', json);
  const text = tower(fields, 'text_config', TEXT_DEFAULTS);
  const vision = tower(fields, 'vision_config', VISION_DEFAULTS);
  fields.neutral(NEUTRAL);
  fields.harmless([...HARMLESS, 'eos_token_id']);
  const projectionDim = fields.count('projection_dim', 512);
  fields.finish();
  return { json, text: clipTextConfig(text), vision: clipVisionConfig(vision), projectionDim };
}

/**
 * A tower's own config. Configs of 2022 repeat it as `…_config_dict`, which, filled up with the
 * defaults, overrides it (transformers `CLIPConfig.__post_init__`).
 */
function tower(fields: ConfigFields, name: string, defaults: ConfigJson): ConfigJson {
  const json = fields.nested(name);
  const legacy = fields.nested(`${name}_dict`);
  return Object.keys(legacy).length === 0 ? json : { ...json, ...defaults, ...legacy };
}

function towerConfig(fields: ConfigFields, defaults: TowerDefaults): ClipTowerConfig {
  fields.neutral(NEUTRAL);
  fields.harmless(HARMLESS);
  const config: ClipTowerConfig = {
    hiddenSize: fields.count('hidden_size', defaults.hidden_size),
    intermediateSize: fields.count('intermediate_size', defaults.intermediate_size),
    layers: fields.count('num_hidden_layers', defaults.num_hidden_layers),
    heads: fields.count('num_attention_heads', defaults.num_attention_heads),
    activation: fields.oneOf('hidden_act', ['quick_gelu', 'gelu'], defaults.hidden_act),
    layerNormEps: fields.number('layer_norm_eps', defaults.layer_norm_eps),
  };
  if (config.hiddenSize % config.heads) {
    fields.fail(`hidden size ${config.hiddenSize} does not divide into ${config.heads} heads`);
  }
  return config;
}
