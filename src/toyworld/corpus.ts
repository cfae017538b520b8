/** Many sloppy pictures of the training split, kept as bytes. N pictures of S × S pixels. */

import type { RgbImage } from '../data/image';
import { drawCaption } from './captions';
import { Draws, type UniformSource } from './draws';
import { render } from './render';
import { drawMeaning, type Meaning, PICTURE_SIZE, sloppyScene } from './scenes';

const PICTURE_BYTES = 3 * PICTURE_SIZE ** 2;

export interface Corpus {
  readonly meanings: readonly Meaning[];
  /** [N, S, S, 3] */
  readonly bytes: Uint8Array;
}

/** `count` pictures with what was meant by them; no meaning is held out. */
export function drawCorpus(count: number, source: UniformSource): Corpus {
  const draws = new Draws(source);
  const bytes = new Uint8Array(count * PICTURE_BYTES);
  const meanings = Array.from({ length: count }, (_, i) => {
    const meaning = drawMeaning(draws, 'train');
    bytes.set(render(sloppyScene(meaning, draws)).data, i * PICTURE_BYTES);
    return meaning;
  });
  return { meanings, bytes };
}

/** The chosen pictures as float pixels in −1…1, [B, S, S, 3]. */
export function corpusPixels({ bytes }: Corpus, chosen: Int32Array): Float32Array {
  const pixels = new Float32Array(chosen.length * PICTURE_BYTES);
  chosen.forEach((index, b) => {
    const from = index * PICTURE_BYTES;
    for (let i = 0; i < PICTURE_BYTES; i++)
      pixels[b * PICTURE_BYTES + i] = (bytes[from + i] ?? 0) / 127.5 - 1;
  });
  return pixels;
}

/** One of the pictures; shares the corpus's memory. */
export const corpusImage = ({ bytes }: Corpus, index: number): RgbImage => ({
  width: PICTURE_SIZE,
  height: PICTURE_SIZE,
  data: bytes.subarray(index * PICTURE_BYTES, (index + 1) * PICTURE_BYTES),
});

/** A fresh random caption for each chosen picture. */
export function corpusCaptions({ meanings }: Corpus, chosen: Int32Array, draws: Draws): string[] {
  return Array.from(chosen, (index) => drawCaption(meanings[index] as Meaning, draws));
}
