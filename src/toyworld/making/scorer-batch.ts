// S × S pixels, L tokens, B pictures, captions or pairs
/** Pictures, captions and labelled pairs as the scorer's towers read them. */

import type { RgbImage } from '../../data/image';
import { type Tensor, tensor } from '../../engine';
import type { JsonObject } from '../../hub/json-file';
import type { ClipTokenizer } from '../../models/tokenizer';
import { PICTURE_SIZE } from '../scenes';

/** How the scorer's pictures are normalised, as transformers' CLIPImageProcessor is told. */
export const SCORER_PROCESSOR = {
  crop_size: { height: PICTURE_SIZE, width: PICTURE_SIZE },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_processor_type: 'CLIPImageProcessor',
  image_std: [0.25, 0.25, 0.25],
  resample: 3,
  rescale_factor: 1 / 255,
  size: { shortest_edge: PICTURE_SIZE },
} as const satisfies JsonObject;

/** A labelled pair as the scorer reads it. */
export interface ScoredPair {
  readonly caption: string;
  readonly images: readonly [RgbImage, RgbImage];
  /** 1, ½ or 0. */
  readonly label0: number;
}

/** Normalised pixels, [B, S, S, 3]. */
export function pixelBatch(images: readonly Pick<RgbImage, 'data'>[]): Tensor {
  const [mean, deviation] = [SCORER_PROCESSOR.image_mean[0], SCORER_PROCESSOR.image_std[0]];
  const size = 3 * PICTURE_SIZE ** 2;
  const pixels = new Float32Array(images.length * size);
  images.forEach(({ data }, b) => {
    for (let i = 0; i < size; i++) pixels[b * size + i] = ((data[i] ?? 0) / 255 - mean) / deviation;
  });
  return tensor(pixels, [images.length, PICTURE_SIZE, PICTURE_SIZE, 3]);
}

/** Token ids, int32 [B, L]. */
export function idBatch(tokenizer: ClipTokenizer, captions: readonly string[]): Tensor {
  const { inputIds, length } = tokenizer.encode(captions);
  return tensor(inputIds, [captions.length, length]);
}

/** All first pictures, then all second ones, with their captions and labels. */
export function pairBatch(tokenizer: ClipTokenizer, pairs: readonly ScoredPair[]) {
  const [first, second] = [0, 1].map((side) => pairs.map(({ images }) => images[side as 0 | 1]));
  const captions = pairs.map(({ caption }) => caption);
  const labels = pairs.map(({ label0 }) => label0);
  return {
    pixelValues: pixelBatch([...(first ?? []), ...(second ?? [])]), // [2B, S, S, 3]
    ids: idBatch(tokenizer, captions), // [B, L]
    label0: tensor(labels, [pairs.length]),
  };
}
