/** Draws preference pairs with the base model: two pictures per caption, judged and labelled. */

import type { RgbImage } from '../../data/image';
import { generateImages, type TextToImage } from '../../diffusion';
import { TorchGenerator } from '../../random';
import { drawCaption } from '../captions';
import { Draws } from '../draws';
import { judge, utility } from '../judge';
import { drawLabel, type Label } from '../labels';
import { drawMeaning } from '../scenes';

/** Two pictures of one caption and which one is preferred. */
export interface LabelledPair {
  readonly caption: string;
  readonly images: readonly [RgbImage, RgbImage];
  readonly utilities: readonly [number, number];
  readonly label: Label;
}

export interface PairDrawing {
  readonly count: number;
  readonly split: 'train' | 'heldout';
  readonly seed: number;
}

/** How pictures of the world are drawn everywhere: the folder's DDIM. */
export const DRAWING = { numInferenceSteps: 20, guidanceScale: 3 } as const;

/** Captions whose pictures are drawn together. */
const CHUNK = 32;

/**
 * Yields chunks of pairs, each from its own seed, so that a chunk can be drawn again alone.
 * `first` says with which pair to start; it is rounded down to the start of its chunk.
 */
export function* drawPairs(
  base: TextToImage,
  { count, split, seed }: PairDrawing,
  { first = 0 }: { readonly first?: number } = {},
): Generator<LabelledPair[]> {
  for (let chunk = Math.floor(first / CHUNK); chunk * CHUNK < count; chunk++) {
    const size = Math.min(CHUNK, count - chunk * CHUNK);
    yield drawChunk(base, split, { size, seed: seed * 100_003 + chunk });
  }
}

function drawChunk(
  base: TextToImage,
  split: 'train' | 'heldout',
  { size, seed }: { readonly size: number; readonly seed: number },
): LabelledPair[] {
  const generator = new TorchGenerator(seed);
  const draws = new Draws(generator);
  const captions = Array.from({ length: size }, () =>
    drawCaption(drawMeaning(draws, split), draws),
  );
  const images = generateImages(base, { prompt: captions, generator, numImages: 2, ...DRAWING });
  return captions.map((caption, i) => {
    const [a, b] = [images[2 * i], images[2 * i + 1]] as [RgbImage, RgbImage];
    const utilities = [utility(judge(a, caption)), utility(judge(b, caption))] as const;
    return { caption, images: [a, b], utilities, label: drawLabel(...utilities, draws) };
  });
}
