/** Draws preference pairs with the base model: two pictures per caption, judged and labelled. */

import { decodeImage, encodeJpeg, type RgbImage } from '../../data/image';
import type { PreferenceRow } from '../../data/pickapic';
import { generateImages, type TextToImage } from '../../diffusion';
import { TorchGenerator } from '../../random';
import { drawCaption } from '../captions';
import { Draws } from '../draws';
import { judge, utility } from '../judge';
import { drawLabel, type Label } from '../labels';
import { drawMeaning } from '../scenes';

export interface PairDrawing {
  readonly count: number;
  readonly split: 'train' | 'heldout';
  readonly seed: number;
}

/** How pictures of the world are drawn everywhere: with the folder's own DDIM. */
export const DRAWING = { numInferenceSteps: 20, guidanceScale: 2 } as const;

/** Captions whose pictures are drawn together. */
export const PAIRS_PER_CHUNK = 32;

const JPEG_QUALITY = 95;

/**
 * One chunk of pairs as rows of Pick-a-Pic. Every chunk has a seed of its own, so that it can be
 * drawn again alone. What is judged is the picture as it is stored.
 */
export async function drawPairChunk(
  base: TextToImage,
  { count, split, seed }: PairDrawing,
  chunk: number,
): Promise<PreferenceRow[]> {
  const first = chunk * PAIRS_PER_CHUNK;
  const generator = new TorchGenerator(seed * 100_003 + chunk);
  const draws = new Draws(generator);
  const captions = Array.from({ length: Math.min(PAIRS_PER_CHUNK, count - first) }, () =>
    drawCaption(drawMeaning(draws, split), draws),
  );
  const images = generateImages(base, { prompt: captions, generator, numImages: 2, ...DRAWING });
  const jpegs = await Promise.all(images.map((i) => encodeJpeg(i, { quality: JPEG_QUALITY })));
  const stored = await Promise.all(jpegs.map((jpeg) => decodeImage(jpeg)));
  return captions.map((caption, i) => {
    const [a, b] = [stored[2 * i], stored[2 * i + 1]] as [RgbImage, RgbImage];
    const label = drawLabel(utility(judge(a, caption)), utility(judge(b, caption)), draws);
    const [jpg0, jpg1] = [jpegs[2 * i], jpegs[2 * i + 1]] as [Uint8Array, Uint8Array];
    return preferenceRow({ name: `${split}-${first + i}`, index: first + i, caption, label }, [
      jpg0,
      jpg1,
    ]);
  });
}

interface RowFacts {
  readonly name: string;
  readonly index: number;
  readonly caption: string;
  readonly label: Label;
}

function preferenceRow(
  { name, index, caption, label }: RowFacts,
  [jpg0, jpg1]: readonly [Uint8Array, Uint8Array],
): PreferenceRow {
  const uids = [`${name}-0`, `${name}-1`] as const;
  return {
    are_different: true,
    best_image_uid: label === 0.5 ? 'tie' : uids[label === 1 ? 0 : 1],
    caption,
    has_label: true,
    image_0_uid: uids[0],
    image_1_uid: uids[1],
    jpg_0: jpg0,
    jpg_1: jpg1,
    label_0: label,
    label_1: 1 - label,
    model_0: 'toyworld-base',
    model_1: 'toyworld-base',
    ranking_id: index,
    user_id: 0,
    num_example_per_prompt: 1,
    __index_level_0__: index,
  };
}
