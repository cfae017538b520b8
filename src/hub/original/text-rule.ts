import { type Rule, reworded, type Words } from './stored-as';

/** OpenAI's CLIP has transformers' names. */
export const clipRule: Rule = (name) => ({ name });

/** Before transformers 4.0 they had no `text_model.`. */
export const bareClipRule: Rule = (name) => ({ name: name.replace(/^text_model\./, '') });

/** Source: mlfoundations/open_clip, src/open_clip/transformer.py, `ResidualAttentionBlock`. */
const OPEN_CLIP: Words = [
  [/^text_model\.embeddings\.token_embedding\./, 'token_embedding.'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^text_model\.final_layer_norm\./, 'ln_final.'],
  [/^text_model\.encoder\.layers\./, 'transformer.resblocks.'],
  [/\.layer_norm(\d)\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
  [/\.self_attn\.[qkv]_proj\.(weight|bias)$/, '.attn.in_proj_$1'],
  [/^text_projection\.weight$/, 'text_projection'],
];

/** OpenCLIP keeps query, key and value in one tensor, and multiplies by its projection from the right. */
export const openClipRule: Rule = (name) => {
  const [, projection] = /\.self_attn\.([qkv])_proj\./.exec(name) ?? [];
  const third = { q: 0, k: 1, v: 2 }[projection ?? ''] as 0 | 1 | 2 | undefined;
  const isProjection = name === 'text_projection.weight';
  return {
    name: reworded(name, OPEN_CLIP),
    ...(third === undefined ? {} : { third }),
    ...(isProjection ? { form: 'transposed' } : {}),
  };
};
