// B texts, L token positions, C width, D width of the space it is projected into
import { gather, scoped, type Tensor, tensor, type WeightShape } from '../engine';
import * as nn from '../nn';
import type { ClipTextConfig } from './clip-config';
import { type ClipEncoder, clipEncoder, clipEncoderWeights } from './clip-encoder';
import type { Model } from './model';

/** Weights of the text tower. */
export type ClipTextTower = {
  readonly embeddings: {
    readonly token_embedding: { readonly weight: Tensor }; // [vocabulary, C]
    readonly position_embedding: { readonly weight: Tensor }; // [positions, C]
  };
  readonly encoder: ClipEncoder;
  readonly final_layer_norm: nn.Norm;
};

/** Weights of `CLIPTextModel` and `CLIPTextModelWithProjection`, under the names that published checkpoints use. */
export type ClipTextParams = {
  readonly text_model: ClipTextTower;
  readonly text_projection?: nn.Linear; // without a bias
};

export type ClipText = Model<ClipTextConfig, ClipTextParams>;

export interface ClipTextOutput {
  /** Last layer after the final norm: what Stable Diffusion 1.x conditions on. [B, L, C] */
  readonly lastHiddenState: Tensor;
  /** Its row at the end-of-text token. [B, C] */
  readonly pooled: Tensor;
  /** The embeddings and every layer's output, before the final norm; each [B, L, C]. */
  readonly hiddenStates: readonly Tensor[];
  /** `pooled` projected, where the model has a projection. [B, D] */
  readonly textEmbeds?: Tensor;
}

/**
 * CLIP's text model. Upstream: transformers `CLIPTextModel.forward` without a padding mask, as
 * Stable Diffusion calls it.
 * @param inputIds token ids, int32 [B, L], L ≤ maxPositions
 */
export function clipText({ config, p }: ClipText, inputIds: Tensor): ClipTextOutput {
  const output = clipTextTower(p.text_model, inputIds, config);
  if (!p.text_projection) return output;
  return { ...output, textEmbeds: nn.linear(p.text_projection, output.pooled) };
}

/** The text tower alone, as it also stands in a two-tower CLIP. */
export const clipTextTower = scoped(
  'clipText',
  (p: ClipTextTower, inputIds: Tensor, config: ClipTextConfig): ClipTextOutput => {
    const [B = 0, L = 0] = inputIds.shape;
    const C = config.hiddenSize;
    if (L > config.maxPositions) {
      throw new RangeError(
        `clipText: ${L} tokens, but the model has ${config.maxPositions} positions`,
      );
    }
    const { token_embedding, position_embedding } = p.embeddings;
    const tokens = gather(token_embedding.weight, inputIds); // [B, L, C]
    const positions = position_embedding.weight.slice([0, 0], [L, C]);

    const hiddenStates = clipEncoder(p.encoder, tokens.add(positions), config, 'causal');
    const last = hiddenStates[hiddenStates.length - 1] ?? tokens;
    const lastHiddenState = nn.layerNorm(p.final_layer_norm, last, {
      epsilon: config.layerNormEps,
    });

    const rows = pooledPositions(inputIds, config.eosTokenId).map((at, b) => b * L + at);
    const pooled = gather(lastHiddenState.reshape([B * L, C]), tensor(rows, [B], 'int32'));
    return { lastHiddenState, pooled, hiddenStates };
  },
);

/**
 * Where each text ends: at its first `eosTokenId` (position 0 if it has none); with id 2, which
 * configs before transformers 4.31 carry by mistake, at its largest id.
 */
export function pooledPositions(inputIds: Tensor, eosTokenId: number): number[] {
  const [B = 0, L = 0] = inputIds.shape;
  const ids = inputIds.dataSync();
  return Array.from({ length: B }, (_, b) => {
    const row = Array.from(ids.subarray(b * L, (b + 1) * L));
    const end = row.indexOf(eosTokenId === 2 ? Math.max(...row) : eosTokenId);
    return Math.max(end, 0);
  });
}

/** Names and PyTorch shapes of every weight, in the order of PyTorch's state dict. */
export function clipTextWeights(config: ClipTextConfig): WeightShape[] {
  const { hiddenSize: C, projectionDim: D } = config;
  return [
    ['text_model.embeddings.token_embedding.weight', [config.vocabSize, C]],
    ['text_model.embeddings.position_embedding.weight', [config.maxPositions, C]],
    ...clipEncoderWeights('text_model.encoder', config),
    ...nn.normWeights('text_model.final_layer_norm', C),
    ...(D === undefined ? [] : nn.biaslessLinearWeights('text_projection', C, D)),
  ];
}
