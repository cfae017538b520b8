/** CLIP as a judge of pictures: PickScore's role (Kirstain et al. 2023, arXiv 2305.01569). */
import { resize } from '../data';
import type { RgbImage } from '../data/image';
import { crop, shorterSideSize } from '../data/transforms';
import { type Tensor, tensor } from '../engine';
import type { ClipFolder, ImageProcessor } from '../hub';
import { type CosineOptions, cosines, type TwoTowers } from './two-towers';

/**
 * Pictures as a CLIP checkpoint's processor prepares them: shorter side resized, centre cut out,
 * normalised. [B, height, width, 3]. Upstream: transformers `CLIPImageProcessor` on PIL pictures.
 */
export function clipPixelValues(images: readonly RgbImage[], processor: ImageProcessor): Tensor {
  const { shortestEdge, cropHeight, cropWidth, resample } = processor;
  const { rescaleFactor, imageMean, imageStd } = processor;
  const each = cropHeight * cropWidth * 3;
  const values = new Float32Array(images.length * each);
  images.forEach((image, b) => {
    const { width, height } = shorterSideSize(image, shortestEdge);
    const resized = resize(image, width, height, { filter: resample });
    const top = Math.floor((height - cropHeight) / 2);
    const left = Math.floor((width - cropWidth) / 2);
    const { data } = crop(resized, { left, top, width: cropWidth, height: cropHeight });
    for (let i = 0; i < each; i++) {
      const c = i % 3;
      const scaled = Math.fround((data[i] ?? 0) * rescaleFactor);
      values[b * each + i] = (scaled - (imageMean[c] ?? 0)) / (imageStd[c] ?? 1);
    }
  });
  return tensor(values, [images.length, cropHeight, cropWidth, 3]);
}

/**
 * Cosine between each picture and its own caption: one score per picture, higher is better.
 * Upstream: the original's PickScore selector.
 */
export function clipScores(
  folder: ClipFolder,
  images: readonly RgbImage[],
  captions: readonly string[],
  options: CosineOptions = {},
): number[] {
  return cosines(clipTowers(folder), images, captions, options);
}

/** A CLIP fed as transformers' processor feeds it. */
export function clipTowers({ model, tokenizer, imageProcessor }: ClipFolder): TwoTowers {
  return {
    model,
    pixelValues: (images) => clipPixelValues(images, imageProcessor),
    tokens: (texts) => tokenizer.encode(texts),
  };
}
