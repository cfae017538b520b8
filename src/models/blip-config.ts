import { ConfigFields } from './config-fields';
import type { ConfigJson } from './model';

/** What BLIP's text encoder looks like, read from `med_config.json`. */
export interface BlipTextConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly layerNormEps: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
}

/** What BLIP's vision transformer looks like. */
export interface BlipVisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly imageChannels: number;
  readonly imageSize: number;
  readonly patchSize: number;
}

/** `med_config.json` as it was published with BLIP and with ImageReward. */
export const MED_CONFIG: ConfigJson = {
  add_cross_attention: true,
  hidden_act: 'gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  vocab_size: 30524,
};

/** Written by the tools of BERT; `encoder_width` is overwritten by the vision transformer's. */
const HARMLESS = [
  ...['architectures', 'model_type', 'attention_probs_dropout_prob', 'hidden_dropout_prob'],
  ...['initializer_range', 'pad_token_id', 'type_vocab_size', 'encoder_width'],
];

/**
 * Reads `med_config.json`.
 * @throws RangeError naming the field that is wrong, unknown or not supported
 */
export function blipTextConfig(json: ConfigJson): BlipTextConfig {
  const fields = new ConfigFields('BLIP text config', json);
  fields.neutral({ add_cross_attention: true, hidden_act: 'gelu' });
  fields.neutral({ position_embedding_type: 'absolute', is_decoder: false });
  fields.harmless(HARMLESS);
  const config = {
    hiddenSize: fields.count('hidden_size', 768),
    intermediateSize: fields.count('intermediate_size', 3072),
    layers: fields.count('num_hidden_layers', 12),
    heads: fields.count('num_attention_heads', 12),
    layerNormEps: fields.number('layer_norm_eps', 1e-12),
    vocabSize: fields.count('vocab_size', 30522),
    maxPositions: fields.count('max_position_embeddings', 512),
  };
  fields.finish();
  if (config.hiddenSize % config.heads)
    fields.fail(`hidden size ${config.hiddenSize} does not divide into ${config.heads} heads`);
  return config;
}
