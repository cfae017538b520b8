// B images or texts, D width of the common space
import { scoped, type Tensor, type WeightShape } from '../engine';
import * as nn from '../nn';
import type { ClipModelConfig } from './clip-config';
import { type ClipTextTower, clipTextTower, clipTextWeights } from './clip-text';
import { type ClipVisionTower, clipVisionTower, clipVisionWeights } from './clip-vision';
import type { Model } from './model';

/** Weights of `CLIPModel`. */
export type ClipModelParams = {
  readonly logit_scale: Tensor; // [], natural logarithm of the scale
  readonly text_model: ClipTextTower;
  readonly vision_model: ClipVisionTower;
  readonly visual_projection: nn.Linear;
  readonly text_projection: nn.Linear;
};

export type ClipModel = Model<ClipModelConfig, ClipModelParams>;

/** A point in the common space, as projected and with length 1. Both [B, D]. */
export interface ClipEmbedding {
  readonly raw: Tensor;
  readonly normalised: Tensor;
}

/**
 * Where images lie in the common space.
 * @param pixelValues normalised as the checkpoint's processor says, [B, size, size, channels]
 */
export const imageEmbeds = scoped(
  'imageEmbeds',
  ({ config, p }: ClipModel, pixelValues: Tensor): ClipEmbedding => {
    const { pooled } = clipVisionTower(p.vision_model, pixelValues, config.vision);
    return embedding(nn.linear(p.visual_projection, pooled));
  },
);

/**
 * Where texts lie in the common space.
 * @param inputIds token ids, int32 [B, L]
 */
export const textEmbeds = scoped(
  'textEmbeds',
  ({ config, p }: ClipModel, inputIds: Tensor): ClipEmbedding => {
    const { pooled } = clipTextTower(p.text_model, inputIds, config.text);
    return embedding(nn.linear(p.text_projection, pooled));
  },
);

/** `exp(logit_scale)`, what cosines are multiplied by to become logits. [] */
export function logitScale({ p }: ClipModel): Tensor {
  return p.logit_scale.exp();
}

function embedding(raw: Tensor): ClipEmbedding {
  const length = raw.square().sum(1, { keepDims: true }).sqrt(); // [B, 1]
  return { raw, normalised: raw.div(length) };
}

/** Names and PyTorch shapes of every weight, in the order of PyTorch's state dict. */
export function clipModelWeights(config: ClipModelConfig): WeightShape[] {
  const { text, vision, projectionDim } = config;
  return [
    ['logit_scale', []],
    ...clipTextWeights(text),
    ...clipVisionWeights('vision_model', vision),
    ...nn.biaslessLinearWeights('visual_projection', vision.hiddenSize, projectionDim),
    ...nn.biaslessLinearWeights('text_projection', text.hiddenSize, projectionDim),
  ];
}
