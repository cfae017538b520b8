import {
  type ClipModelConfig,
  type ClipTextConfig,
  clipModelConfig,
  clipModelWeights,
  clipTextConfig,
  clipTextWeights,
  projectedClipTextConfig,
  type UNetConfig,
  unetConfig,
  unetWeights,
  type VaeConfig,
  vaeConfig,
  vaeWeights,
} from '../models';
import type { ModelKind } from './model-folder';

/** diffusers' `UNet2DConditionModel`. */
export const UNET: ModelKind<UNetConfig> = {
  stem: 'diffusion_pytorch_model',
  config: unetConfig,
  weights: unetWeights,
  aliases: () => [],
};

/** diffusers' `AutoencoderKL`. */
export const VAE: ModelKind<VaeConfig> = {
  stem: 'diffusion_pytorch_model',
  config: vaeConfig,
  weights: vaeWeights,
  aliases: oldAttentionNames,
};

/** transformers' `CLIPTextModel`; version 5 leaves `text_model.` away. */
export const CLIP_TEXT: ModelKind<ClipTextConfig> = {
  stem: 'model',
  config: clipTextConfig,
  weights: clipTextWeights,
  aliases: (name) => [name.replace(/^text_model\./, '')],
};

/** transformers' `CLIPTextModelWithProjection`. */
export const CLIP_TEXT_PROJECTED: ModelKind<ClipTextConfig> = {
  ...CLIP_TEXT,
  config: projectedClipTextConfig,
};

/** A pipeline's text encoders, by the ends of their folders' names. */
export const TEXT_KINDS = { '': CLIP_TEXT, _2: CLIP_TEXT_PROJECTED } as const;

/** transformers' `CLIPModel`, with both towers. */
export const CLIP: ModelKind<ClipModelConfig> = {
  stem: 'model',
  config: clipModelConfig,
  weights: clipModelWeights,
  aliases: () => [],
};

const OLD_ATTENTION: Readonly<Record<string, string>> = {
  to_q: 'query',
  to_k: 'key',
  to_v: 'value',
  'to_out.0': 'proj_attn',
};

/** Before diffusers 0.18 the autoencoder's attention used other names. */
function oldAttentionNames(name: string): readonly string[] {
  const match = /^(.*\.attentions\.\d+)\.(to_q|to_k|to_v|to_out\.0)\.(weight|bias)$/.exec(name);
  const [, before, layer = '', kind] = match ?? [];
  return match ? [`${before}.${OLD_ATTENTION[layer]}.${kind}`] : [];
}
