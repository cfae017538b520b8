// B pictures, N patches + 1 class position, L token positions, C width of the pictures' states, D of the texts'
import {
  attention,
  broadcastTo,
  concat,
  gather,
  gelu,
  scoped,
  type Tensor,
  type WeightShape,
} from '../engine';
import * as nn from '../nn';
import type { BlipTextConfig, BlipVisionConfig } from './blip-config';
import { patchEmbedding } from './clip-vision';

/** Weights of BLIP's vision transformer, under timm's names. */
export type BlipVision = {
  readonly cls_token: Tensor; // [1, 1, C]
  readonly pos_embed: Tensor; // [1, N, C]
  readonly patch_embed: { readonly proj: { readonly weight: Tensor; readonly bias: Tensor } };
  readonly blocks: readonly BlipBlock[];
  readonly norm: nn.Norm;
};

export type BlipBlock = {
  readonly norm1: nn.Norm;
  readonly attn: { readonly qkv: nn.Linear; readonly proj: nn.Linear };
  readonly norm2: nn.Norm;
  readonly mlp: { readonly fc1: nn.Linear; readonly fc2: nn.Linear };
};

/** Weights of an attention of BERT's, with what follows it. */
export type BertAttention = {
  readonly self: { readonly query: nn.Linear; readonly key: nn.Linear; readonly value: nn.Linear };
  readonly output: BertOutput;
};

export type BertOutput = { readonly dense: nn.Linear; readonly LayerNorm: nn.Norm };

export type BlipLayer = {
  readonly attention: BertAttention;
  readonly crossattention: BertAttention;
  readonly intermediate: { readonly dense: nn.Linear };
  readonly output: BertOutput;
};

/** Weights of BLIP's text encoder: BERT's layers, each of which looks at the picture, too. */
export type BlipText = {
  readonly embeddings: {
    readonly word_embeddings: { readonly weight: Tensor }; // [vocabulary, D]
    readonly position_embeddings: { readonly weight: Tensor }; // [positions, D]
    readonly LayerNorm: nn.Norm;
  };
  readonly encoder: { readonly layer: readonly BlipLayer[] };
};

const VISION_EPSILON = { epsilon: 1e-6 }; // timm's

/**
 * States of a picture. Upstream: ImageReward, models/BLIP/vit.py, `VisionTransformer.forward`.
 * @param pixelValues [B, size, size, channels]
 * @returns [B, N, C]
 */
export const blipVision = scoped(
  'blipVision',
  (p: BlipVision, pixelValues: Tensor, config: BlipVisionConfig): Tensor => {
    const [B = 0] = pixelValues.shape;
    const { weight, bias } = p.patch_embed.proj;
    const patches = patchEmbedding(weight, pixelValues, config).add(bias); // [B, N − 1, C]
    const first = broadcastTo(p.cls_token, [B, 1, config.hiddenSize]);
    let x = concat([first, patches], 1).add(p.pos_embed); // [B, N, C]
    for (const block of p.blocks) x = blipBlock(block, x, config.heads);
    return nn.layerNorm(p.norm, x, VISION_EPSILON);
  },
);

const blipBlock = scoped('blipBlock', (p: BlipBlock, x: Tensor, heads: number): Tensor => {
  const [B = 0, N = 0, C = 0] = x.shape;
  const all = nn.linear(p.attn.qkv, nn.layerNorm(p.norm1, x, VISION_EPSILON)); // [B, N, 3 C]
  const [q, k, v] = [0, 1, 2].map((i) => all.slice([0, 0, i * C], [B, N, C])) as Three;
  const middle = nn.linear(p.attn.proj, attention(q, k, v, { heads }), { residual: x });
  const inner = gelu(nn.linear(p.mlp.fc1, nn.layerNorm(p.norm2, middle, VISION_EPSILON)));
  return nn.linear(p.mlp.fc2, inner, { residual: middle });
});

type Three = [Tensor, Tensor, Tensor];

/**
 * States of a text that looks at a picture. Upstream: ImageReward, models/BLIP/med.py, `BertModel.forward`; texts are
 * of one length here, which is what a mask over the padding comes to.
 * @param inputIds int32 [B, L]
 * @param image states of the pictures, [B, N, C]
 * @returns [B, L, D]
 */
export const blipText = scoped(
  'blipText',
  (p: BlipText, inputIds: Tensor, image: Tensor, config: BlipTextConfig): Tensor => {
    const [, L = 0] = inputIds.shape;
    const { word_embeddings, position_embeddings, LayerNorm } = p.embeddings;
    const words = gather(word_embeddings.weight, inputIds); // [B, L, D]
    const positions = position_embeddings.weight.slice([0, 0], [L, config.hiddenSize]);
    let x = nn.layerNorm(LayerNorm, words.add(positions), { epsilon: config.layerNormEps });
    for (const layer of p.encoder.layer) x = blipLayer(layer, x, image, config);
    return x;
  },
);

const blipLayer = scoped(
  'blipLayer',
  (p: BlipLayer, x: Tensor, image: Tensor, config: BlipTextConfig): Tensor => {
    const own = bertAttention(p.attention, x, x, config);
    const seen = bertAttention(p.crossattention, own, image, config);
    const inner = gelu(nn.linear(p.intermediate.dense, seen)); // [B, L, intermediate]
    return bertOutput(p.output, inner, seen, config);
  },
);

function bertAttention(p: BertAttention, x: Tensor, context: Tensor, config: BlipTextConfig) {
  const { query, key, value } = p.self;
  const [q, k, v] = [nn.linear(query, x), nn.linear(key, context), nn.linear(value, context)];
  return bertOutput(p.output, attention(q, k, v, { heads: config.heads }), x, config);
}

/** The norm stands behind the sum, as in the first transformers. */
function bertOutput(p: BertOutput, x: Tensor, residual: Tensor, config: BlipTextConfig) {
  return nn.layerNorm(p.LayerNorm, nn.linear(p.dense, x, { residual }), {
    epsilon: config.layerNormEps,
  });
}

/** Names and PyTorch shapes of the vision transformer's weights. */
export function blipVisionWeights(name: string, config: BlipVisionConfig): WeightShape[] {
  const { hiddenSize: C, patchSize: P, imageChannels, imageSize, layers } = config;
  const positions = Math.floor(imageSize / P) ** 2 + 1;
  const blocks = Array.from({ length: layers }, (_, i): WeightShape[] => {
    const block = `${name}.blocks.${i}`;
    return [
      ...nn.normWeights(`${block}.norm1`, C),
      ...nn.linearWeights(`${block}.attn.qkv`, C, 3 * C),
      ...nn.linearWeights(`${block}.attn.proj`, C, C),
      ...nn.normWeights(`${block}.norm2`, C),
      ...nn.linearWeights(`${block}.mlp.fc1`, C, config.intermediateSize),
      ...nn.linearWeights(`${block}.mlp.fc2`, config.intermediateSize, C),
    ];
  });
  return [
    [`${name}.cls_token`, [1, 1, C]],
    [`${name}.pos_embed`, [1, positions, C]],
    [`${name}.patch_embed.proj.weight`, [C, imageChannels, P, P]],
    [`${name}.patch_embed.proj.bias`, [C]],
    ...blocks.flat(),
    ...nn.normWeights(`${name}.norm`, C),
  ];
}

/** Names and PyTorch shapes of the text encoder's weights. @param context width of the pictures' states */
export function blipTextWeights(
  name: string,
  config: BlipTextConfig,
  context: number,
): WeightShape[] {
  const { hiddenSize: D, intermediateSize } = config;
  const output = (part: string, inputs: number) => [
    ...nn.linearWeights(`${part}.output.dense`, inputs, D),
    ...nn.normWeights(`${part}.output.LayerNorm`, D),
  ];
  const attends = (part: string, inputs: number) => [
    ...nn.linearWeights(`${part}.self.query`, D, D),
    ...nn.linearWeights(`${part}.self.key`, inputs, D),
    ...nn.linearWeights(`${part}.self.value`, inputs, D),
    ...output(part, D),
  ];
  const layers = Array.from({ length: config.layers }, (_, i): WeightShape[] => {
    const layer = `${name}.encoder.layer.${i}`;
    return [
      ...attends(`${layer}.attention`, D),
      ...attends(`${layer}.crossattention`, context),
      ...nn.linearWeights(`${layer}.intermediate.dense`, D, intermediateSize),
      ...output(layer, intermediateSize),
    ];
  });
  return [
    [`${name}.embeddings.word_embeddings.weight`, [config.vocabSize, D]],
    [`${name}.embeddings.position_embeddings.weight`, [config.maxPositions, D]],
    ...nn.normWeights(`${name}.embeddings.LayerNorm`, D),
    ...layers.flat(),
  ];
}
