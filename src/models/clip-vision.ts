// B images, N patches + 1 class position, C width
import { broadcastTo, concat, scoped, type Tensor, type WeightShape } from '../engine';
import * as nn from '../nn';
import type { ClipVisionConfig } from './clip-config';
import { type ClipEncoder, clipEncoder, clipEncoderWeights } from './clip-encoder';

/** Weights of the vision tower. The spelling `pre_layrnorm` is upstream's. */
export type ClipVisionTower = {
  readonly embeddings: {
    readonly class_embedding: Tensor; // [C]
    readonly patch_embedding: { readonly weight: Tensor }; // [patch, patch, channels, C]
    readonly position_embedding: { readonly weight: Tensor }; // [N, C]
  };
  readonly pre_layrnorm: nn.Norm;
  readonly encoder: ClipEncoder;
  readonly post_layernorm: nn.Norm;
};

export interface ClipVisionOutput {
  /** Last layer, before the post norm. [B, N, C] */
  readonly lastHiddenState: Tensor;
  /** The class position after the post norm. [B, C] */
  readonly pooled: Tensor;
  /** The normed embeddings and every layer's output; each [B, N, C]. */
  readonly hiddenStates: readonly Tensor[];
}

/**
 * CLIP's vision transformer. Upstream: transformers `CLIPVisionModel.forward`.
 * @param pixelValues normalised as the checkpoint's processor says, [B, size, size, channels]
 */
export const clipVisionTower = scoped(
  'clipVision',
  (p: ClipVisionTower, pixelValues: Tensor, config: ClipVisionConfig): ClipVisionOutput => {
    const [B = 0] = pixelValues.shape;
    const { class_embedding, patch_embedding, position_embedding } = p.embeddings;
    const C = config.hiddenSize;

    const patches = patchEmbedding(patch_embedding.weight, pixelValues, config); // [B, N − 1, C]
    const first = broadcastTo(class_embedding.reshape([1, 1, C]), [B, 1, C]);
    const embedded = concat([first, patches], 1).add(position_embedding.weight); // [B, N, C]

    const norm = { epsilon: config.layerNormEps };
    const input = nn.layerNorm(p.pre_layrnorm, embedded, norm);
    const hiddenStates = clipEncoder(p.encoder, input, config, undefined);
    const lastHiddenState = hiddenStates[hiddenStates.length - 1] ?? input;
    const classState = lastHiddenState.slice([0, 0, 0], [B, 1, C]).reshape([B, C]);
    return {
      lastHiddenState,
      pooled: nn.layerNorm(p.post_layernorm, classState, norm),
      hiddenStates,
    };
  },
);

/**
 * A convolution whose stride equals its size, hence one matrix product over cut-out patches.
 * [B, size, size, channels] → [B, patches, C]
 */
export function patchEmbedding(
  weight: Tensor,
  pixelValues: Tensor,
  config: Pick<ClipVisionConfig, 'imageSize' | 'patchSize' | 'imageChannels' | 'hiddenSize'>,
): Tensor {
  const { imageSize, patchSize: P, imageChannels, hiddenSize: C } = config;
  const [B = 0, H = 0, W = 0] = pixelValues.shape;
  if (H !== imageSize || W !== imageSize) {
    throw new RangeError(
      `patchEmbedding: image is ${H}×${W}, the model expects ${imageSize}×${imageSize}`,
    );
  }
  const n = Math.floor(imageSize / P); // patches along a side; a remainder is not seen
  const whole = n * P === imageSize ? pixelValues : cropped(pixelValues, n * P);
  const patches = whole
    .reshape([B * n, P, n, P * imageChannels])
    .transpose([0, 2, 1, 3]) // [B·n, n, P, P·channels]
    .reshape([B * n * n, P * P * imageChannels]);
  return patches.matmul(weight.reshape([P * P * imageChannels, C])).reshape([B, n * n, C]);
}

function cropped(x: Tensor, size: number): Tensor {
  const [B = 0, , , channels = 0] = x.shape;
  return x.slice([0, 0, 0, 0], [B, size, size, channels]);
}

/** Names and PyTorch shapes of the tower's weights, in state-dict order. */
export function clipVisionWeights(name: string, config: ClipVisionConfig): WeightShape[] {
  const { hiddenSize: C, patchSize, imageChannels, imageSize } = config;
  const positions = Math.floor(imageSize / patchSize) ** 2 + 1;
  return [
    [`${name}.embeddings.class_embedding`, [C]],
    [`${name}.embeddings.patch_embedding.weight`, [C, imageChannels, patchSize, patchSize]],
    [`${name}.embeddings.position_embedding.weight`, [positions, C]],
    ...nn.normWeights(`${name}.pre_layrnorm`, C),
    ...clipEncoderWeights(`${name}.encoder`, config),
    ...nn.normWeights(`${name}.post_layernorm`, C),
  ];
}
