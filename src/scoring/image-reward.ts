// B pictures, L token positions
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RgbImage } from '../data/image';
import { centerCrop, resizeShorterSide } from '../data/transforms';
import { noGrad, type Tensor, tensor } from '../engine';
import { CheckpointError, resolve } from '../hub';
import { type ImageReward, loadImageReward } from '../hub/image-reward';
import { readText } from '../hub/json-file';
import { HEAD_LAYERS } from '../hub/linear-head';
import { blipText, blipVision } from '../models/blip';
import { WordPieceTokenizer } from '../models/word-piece';
import * as nn from '../nn';
import { normalised } from './longest-side';
import type { Defaults, OpenScorer, ScorerOptions } from './scorer-kinds';

const BERT = 'google-bert/bert-base-uncased';
const MAX_TOKENS = 35;
/** What it was divided by, so that scores of the training set have mean 0 and deviation 1. Upstream: ImageReward.py. */
const MEAN = 0.16717362830052426;
const DEVIATION = 1.0333394966054072;

const OPENAI = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** ImageReward: a text that looks at the picture, and a head on its first position. */
export function imageReward(defaults: Required<Defaults>): OpenScorer {
  return async (options) => {
    const { path, revision } = await rewardFile(options, defaults);
    const tokenizer = await loadVocabulary(dirname(path), options);
    const model = await loadImageReward(path);
    const { batchSize = 16 } = options;
    return {
      files: [path],
      revision,
      scoreMany: (images, prompts) => rewards(model, tokenizer, images, prompts, batchSize),
      dispose: () => model.parameters.dispose(),
    };
  };
}

/** The file that is named, that of a folder, or that of a repository. */
async function rewardFile({ weights, ...from }: ScorerOptions, defaults: Required<Defaults>) {
  const name = weights ?? defaults.weights;
  const stats = await stat(name).catch(() => undefined);
  if (stats?.isDirectory()) return { path: join(name, defaults.file), revision: 'local' };
  const files = stats ? undefined : [defaults.file, 'med_config.json'];
  const { files: found, path, source } = await resolve(name, { ...from, files });
  return { path: found[0] ?? path, revision: source?.commit ?? 'local' };
}

/** `vocab.txt` beside the weights, of the folder that is named, or BERT's, and the two tokens that BLIP adds. */
async function loadVocabulary(
  folder: string,
  { processor, revision: _, variant: __, ...from }: ScorerOptions,
): Promise<WordPieceTokenizer> {
  const isBeside = await stat(join(folder, 'vocab.txt')).catch(() => undefined);
  const place = processor ?? (isBeside ? folder : BERT);
  const found = await resolve(place, { ...from, files: ['vocab.txt'] });
  const path = found.files[0] ?? join(found.path, 'vocab.txt');
  const pieces = (await readText(path)).split(/\r?\n/);
  if (pieces.at(-1) === '') pieces.pop();
  const vocab = new Map([...pieces, '[DEC]', '[ENC]'].map((piece, id) => [piece, id]));
  try {
    return new WordPieceTokenizer(vocab, MAX_TOKENS, ['[DEC]', '[ENC]']);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(path, `${error.message}.`);
    throw error;
  }
}

/** Upstream: ImageReward.py, `inference_rank`; pictures whose texts have one length go together. */
function rewards(
  model: ImageReward,
  tokenizer: WordPieceTokenizer,
  images: readonly RgbImage[],
  prompts: readonly string[],
  batchSize: number,
): number[] {
  const scores = new Array<number>(images.length);
  const ids = prompts.map((prompt) => tokenizer.encode(prompt));
  const byLength = new Map<number, number[]>();
  for (const [i, { length }] of ids.entries()) {
    const places = byLength.get(length) ?? [];
    places.push(i);
    byLength.set(length, places);
  }
  for (const places of byLength.values())
    for (let from = 0; from < places.length; from += batchSize) {
      const batch = places.slice(from, from + batchSize);
      const values = batchRewards(
        model,
        batch.map((i) => images[i] as RgbImage),
        batch.map((i) => ids[i] as number[]),
      );
      batch.forEach((place, k) => {
        scores[place] = values[k] as number;
      });
    }
  return scores;
}

function batchRewards(
  { vision, text, p }: ImageReward,
  images: readonly RgbImage[],
  ids: readonly (readonly number[])[],
): number[] {
  const [B, L] = [images.length, ids[0]?.length ?? 0];
  return noGrad(() => {
    const seen = blipVision(p.blip.visual_encoder, rewardPixels(images, vision.imageSize), vision);
    const inputIds = tensor(Int32Array.from(ids.flat()), [B, L]);
    const states = blipText(p.blip.text_encoder, inputIds, seen, text); // [B, L, D]
    const first = states.slice([0, 0, 0], [B, 1, text.hiddenSize]).reshape([B, text.hiddenSize]);
    const layers = HEAD_LAYERS.map((i) => p.mlp.layers[i] as nn.Linear);
    const raw = layers.reduce((x, layer) => nn.linear(layer, x), first); // [B, 1]
    return [...raw.floats()].map((reward) => (reward - MEAN) / DEVIATION);
  });
}

/**
 * Shorter side resized, centre cut out, normalised. [B, size, size, 3].
 * Upstream: ImageReward.py, `_transform`, torchvision on PIL pictures; it makes them RGB after the resize, here before.
 */
export function rewardPixels(images: readonly RgbImage[], size: number): Tensor {
  const each = size * size * 3;
  const values = new Float32Array(images.length * each);
  images.forEach((image, b) => {
    const { data } = centerCrop(resizeShorterSide(image, size, { filter: 'bicubic' }), size);
    values.set(
      normalised(
        Float32Array.from(data, (byte) => byte / 255),
        OPENAI,
      ),
      b * each,
    );
  });
  return tensor(values, [images.length, size, size, 3]);
}
