import { type ClipTextConfig, clipTextConfig, type TextEncoders } from '../models';
import type { TorchGenerator } from '../random';

/** Of `text_encoder` of stabilityai/stable-diffusion-xl-base-1.0: a CLIP ViT-L, the rest as in every CLIP. */
const SDXL_FIRST_TEXT_ENCODER = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
};

/**
 * Text encoders that the original constructs, in its order. With a refiner it loads SDXL's first one, too, and never uses
 * it. Upstream: train.py, where the tokenizers and text encoders are loaded.
 */
export function constructedTextEncoders({
  textEncoder,
  textEncoder2,
  conditioning,
}: TextEncoders): readonly ClipTextConfig[] {
  const isRefiner = conditioning?.added === 'sizes and score';
  return [
    ...(isRefiner ? [clipTextConfig(SDXL_FIRST_TEXT_ENCODER)] : []),
    textEncoder.config,
    ...(textEncoder2 ? [textEncoder2.config] : []),
  ];
}

/**
 * Goes past what `CLIPTextModel`'s constructors draw in transformers 4.30.2, which fill the weights at random before the
 * file's are read: the original's noise starts after that. Embeddings of tokens and positions are normal; in each layer
 * key, value, query, output, fc1, fc2 are uniform, weights and biases: one word a number; so is a projection, which has no
 * bias. LayerNorms draw nothing.
 */
export function textEncoderConstructorDraws(
  generator: TorchGenerator,
  config: ClipTextConfig,
): void {
  const { vocabSize, maxPositions, hiddenSize, intermediateSize, layers } = config;
  skipNormals(generator, vocabSize * hiddenSize);
  skipNormals(generator, maxPositions * hiddenSize);
  const linear = (inputs: number, outputs: number) => inputs * outputs + outputs;
  const attention = 4 * linear(hiddenSize, hiddenSize);
  const feedForward = linear(hiddenSize, intermediateSize) + linear(intermediateSize, hiddenSize);
  generator.skip(layers * (attention + feedForward) + hiddenSize * (config.projectionDim ?? 0));
}

/** `normal_()` of contiguous memory: by sixteens, the last sixteen of an odd length drawn again; serially below. */
function skipNormals(generator: TorchGenerator, count: number): void {
  if (count < 16) generator.randn(count);
  else generator.skip(count + (count % 16 === 0 ? 0 : 16));
}
