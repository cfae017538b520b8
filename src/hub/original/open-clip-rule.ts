import { type Rule, reworded, type Words } from './stored-as';
import { openClipRule } from './text-rule';

/** Source: mlfoundations/open_clip, src/open_clip/transformer.py, `VisionTransformer`. */
const VISUAL: Words = [
  [/^vision_model\.embeddings\.class_embedding$/, 'visual.class_embedding'],
  [/^vision_model\.embeddings\.patch_embedding\./, 'visual.conv1.'],
  [/^vision_model\.embeddings\.position_embedding\.weight$/, 'visual.positional_embedding'],
  [/^vision_model\.pre_layrnorm\./, 'visual.ln_pre.'],
  [/^vision_model\.post_layernorm\./, 'visual.ln_post.'],
  [/^vision_model\.encoder\.layers\./, 'visual.transformer.resblocks.'],
];

/** OpenCLIP's names of a whole `CLIPModel`: its towers are of the same blocks, the text's without a prefix. */
export const openClipModelRule: Rule = (name) => {
  if (name === 'visual_projection.weight') return { name: 'visual.proj', form: 'transposed' };
  const stored = openClipRule(name);
  return { ...stored, name: reworded(stored.name, VISUAL) };
};
