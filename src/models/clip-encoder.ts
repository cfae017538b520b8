// B sequences, S positions, C width
import {
  attention as attend,
  gelu,
  quickGelu,
  scoped,
  type Tensor,
  type WeightShape,
} from '../engine';
import * as nn from '../nn';
import type { ClipTowerConfig } from './clip-config';

/** Weights of transformers' `CLIPAttention`. */
export type ClipAttention = {
  readonly q_proj: nn.Linear;
  readonly k_proj: nn.Linear;
  readonly v_proj: nn.Linear;
  readonly out_proj: nn.Linear;
};

/** Weights of transformers' `CLIPEncoderLayer`. */
export type ClipLayer = {
  readonly self_attn: ClipAttention;
  readonly layer_norm1: nn.Norm;
  readonly mlp: { readonly fc1: nn.Linear; readonly fc2: nn.Linear };
  readonly layer_norm2: nn.Norm;
};

/** Weights of transformers' `CLIPEncoder`. */
export type ClipEncoder = { readonly layers: readonly ClipLayer[] };

/** `causal`: a position sees only itself and what stands before it. */
export type ClipMask = 'causal' | undefined;

/**
 * All layers of a tower. Source: Radford et al. 2021, section 2.4.
 * @param x [B, S, C]
 * @returns the input of every layer and the output of the last, each [B, S, C]
 */
export function clipEncoder(
  p: ClipEncoder,
  x: Tensor,
  config: ClipTowerConfig,
  mask: ClipMask,
): [Tensor, ...Tensor[]] {
  const states: [Tensor, ...Tensor[]] = [x];
  let h = x;
  for (const layer of p.layers) {
    h = clipLayer(layer, h, config, mask);
    states.push(h);
  }
  return states;
}

const clipLayer = scoped(
  'clipLayer',
  (p: ClipLayer, x: Tensor, config: ClipTowerConfig, mask: ClipMask): Tensor => {
    const norm = { epsilon: config.layerNormEps };
    const activation = config.activation === 'gelu' ? gelu : quickGelu;
    const { q_proj, k_proj, v_proj, out_proj } = p.self_attn;

    const h1 = nn.layerNorm(p.layer_norm1, x, norm);
    const [q, k, v] = [nn.linear(q_proj, h1), nn.linear(k_proj, h1), nn.linear(v_proj, h1)];
    const attended = attend(q, k, v, { heads: config.heads, mask });
    const middle = nn.linear(out_proj, attended, { residual: x });

    const h2 = nn.layerNorm(p.layer_norm2, middle, norm);
    const inner = activation(nn.linear(p.mlp.fc1, h2)); // [B, S, intermediate]
    return nn.linear(p.mlp.fc2, inner, { residual: middle });
  },
);

/** Names and PyTorch shapes of all layers, in state-dict order. */
export function clipEncoderWeights(name: string, config: ClipTowerConfig): WeightShape[] {
  const { hiddenSize: C, intermediateSize } = config;
  return Array.from({ length: config.layers }, (_, i): WeightShape[] => {
    const layer = `${name}.layers.${i}`;
    return [
      ...nn.linearWeights(`${layer}.self_attn.k_proj`, C, C),
      ...nn.linearWeights(`${layer}.self_attn.v_proj`, C, C),
      ...nn.linearWeights(`${layer}.self_attn.q_proj`, C, C),
      ...nn.linearWeights(`${layer}.self_attn.out_proj`, C, C),
      ...nn.normWeights(`${layer}.layer_norm1`, C),
      ...nn.linearWeights(`${layer}.mlp.fc1`, C, intermediateSize),
      ...nn.linearWeights(`${layer}.mlp.fc2`, intermediateSize, C),
      ...nn.normWeights(`${layer}.layer_norm2`, C),
    ];
  }).flat();
}
