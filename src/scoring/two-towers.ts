// B pictures, T different texts, D width of the common space
import type { RgbImage } from '../data/image';
import { gather, noGrad, type Tensor, tensor, tidy } from '../engine';
import { type ClipModel, type EncodedTexts, imageEmbeds, logitScale, textEmbeds } from '../models';

/** A CLIP and how it is fed. Whoever loaded the model owns it. */
export interface TwoTowers {
  readonly model: ClipModel;
  /** [B, size, size, 3] */
  readonly pixelValues: (images: readonly RgbImage[]) => Tensor;
  readonly tokens: (texts: readonly string[]) => EncodedTexts;
}

export interface CosineOptions {
  /** Pictures in one pass. @default 64 */
  readonly batchSize?: number;
}

/**
 * Cosine between each picture and its own caption; a caption that several pictures of a batch share is encoded once.
 * Upstream: the original's selectors, `text_embs @ image_embs.T` without the logit scale.
 * @throws RangeError where there are not as many captions as pictures
 */
export function cosines(
  towers: TwoTowers,
  images: readonly RgbImage[],
  captions: readonly string[],
  { batchSize = 64 }: CosineOptions = {},
): number[] {
  if (images.length !== captions.length)
    throw new RangeError(
      `${images.length} pictures are scored against ${captions.length} captions.`,
    );
  const scores: number[] = [];
  for (let from = 0; from < images.length; from += batchSize) {
    const end = from + batchSize;
    scores.push(...batchCosines(towers, images.slice(from, end), captions.slice(from, end)));
  }
  return scores;
}

function batchCosines(
  { model, pixelValues, tokens }: TwoTowers,
  images: readonly RgbImage[],
  captions: readonly string[],
): number[] {
  const texts = [...new Set(captions)];
  const places = Int32Array.from(captions, (caption) => texts.indexOf(caption));
  const { inputIds, length } = tokens(texts);
  return noGrad(() => {
    const image = imageEmbeds(model, pixelValues(images)).normalised; // [B, D]
    const text = textEmbeds(model, tensor(inputIds, [texts.length, length])).normalised; // [T, D]
    const own = gather(text, tensor(places, [images.length], 'int32')); // [B, D]
    return [...image.mul(own).sum(1).floats()];
  });
}

/** Which share of the choices between pictures of one prompt each would get: `softmax(exp(logit_scale) · cosine)`. */
export function probabilities({ model }: TwoTowers, scores: readonly number[]): number[] {
  const scale = tidy(() => logitScale(model).dataSync()[0] ?? 1);
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(scale * (score - largest)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
