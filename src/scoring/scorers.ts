/** The scorers that have a name: where their weights are, how large, and under which licence. */
import { resolve } from 'node:path';
import { imageReward } from './image-reward';
import { aesthetic, humanPreference, type OpenScorer, pickScore } from './scorer-kinds';
import { CLIP_H } from './scorer-places';
import type { SelectorName } from './selector-names';

export { isSelectorName, SELECTOR_NAMES, type SelectorName } from './selector-names';

/** The scorer of the embedded world. */
export const EMBEDDED_SCORER = resolve(__dirname, '..', '..', 'data', 'scorer');

/** A file that a scorer reads. */
export interface ScorerFile {
  /** `owner/name` of the hub; another place is told in full. */
  readonly from: string;
  readonly name: string;
  /** About how large, as published; in bytes. */
  readonly bytes: number;
}

/** A scorer, and what is known of its files without having them. */
export interface KnownScorer {
  readonly open: OpenScorer;
  readonly what: string;
  readonly files: readonly ScorerFile[];
  readonly licence: string;
  /** Which of these facts were not found in a public listing. */
  readonly unverified?: string;
}

const PICK_SCORE = 'yuvalkirstain/PickScore_v1';
const HPS = 'xswu/HPSv2';
const IMAGE_REWARD = 'THUDM/ImageReward';
const CLIP_L = 'openai/clip-vit-large-patch14';
const VOCABULARY = { from: CLIP_H, name: 'tokenizer.json', bytes: 2.22e6 };

/** HPS of one version: OpenCLIP's ViT-H-14, tuned. */
const hps = (version: string, file: string): KnownScorer => ({
  open: humanPreference({ weights: HPS, file }),
  what: `HPS ${version}, a CLIP ViT-H-14 tuned on human preferences (arXiv 2306.09341)`,
  files: [{ from: HPS, name: file, bytes: 1.97e9 }, VOCABULARY],
  licence: 'Apache-2.0',
  unverified: 'size',
});

export const SCORERS: Readonly<Record<SelectorName, KnownScorer>> = {
  embedded: {
    open: pickScore({ weights: EMBEDDED_SCORER }),
    what: 'the scorer of the embedded world',
    files: [{ from: 'data/scorer', name: 'model.safetensors', bytes: 1.24e6 }],
    licence: 'Apache-2.0',
  },
  pickscore: {
    open: pickScore({ weights: PICK_SCORE }),
    what: 'PickScore v1, a CLIP ViT-H-14 tuned on Pick-a-Pic (arXiv 2305.01569)',
    files: [
      { from: PICK_SCORE, name: 'model.safetensors', bytes: 3.94e9 },
      { from: PICK_SCORE, name: 'tokenizer.json', bytes: 2.22e6 },
    ],
    licence: 'MIT',
    unverified: 'licence, which the model card does not name',
  },
  hps: hps('v2.0', 'HPS_v2_compressed.pt'),
  'hps-v2.1': hps('v2.1', 'HPS_v2.1_compressed.pt'),
  clip: {
    open: humanPreference({ weights: CLIP_H }),
    what: 'CLIP ViT-H-14 trained on LAION-2B, fed as HPS is (arXiv 2210.08402)',
    files: [{ from: CLIP_H, name: 'open_clip_pytorch_model.bin', bytes: 3.94e9 }, VOCABULARY],
    licence: 'MIT',
  },
  aes: {
    open: aesthetic({ weights: CLIP_L }),
    what: 'aesthetic mark of a picture alone, a linear head on CLIP ViT-L-14',
    files: [
      { from: CLIP_L, name: 'model.safetensors', bytes: 1.71e9 },
      {
        from: 'christophschuhmann/improved-aesthetic-predictor on GitHub (--mlp)',
        name: 'sac+logos+ava1-l14-linearMSE.pth',
        bytes: 3.71e6,
      },
    ],
    licence: 'MIT; head Apache-2.0',
    unverified: 'sizes, licence of the CLIP',
  },
  imagereward: {
    open: imageReward({ weights: IMAGE_REWARD, file: 'ImageReward.pt' }),
    what: 'ImageReward v1.0, BLIP with a head tuned on rankings (arXiv 2304.05977)',
    files: [
      { from: IMAGE_REWARD, name: 'ImageReward.pt', bytes: 1.79e9 },
      { from: IMAGE_REWARD, name: 'med_config.json', bytes: 485 },
      { from: 'google-bert/bert-base-uncased', name: 'vocab.txt', bytes: 2.32e5 },
    ],
    licence: 'Apache-2.0',
    unverified: 'size of vocab.txt',
  },
};
