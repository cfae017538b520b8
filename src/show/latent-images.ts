/** Latents as pictures, without decoding them: to see noise grow and a picture appear. */
import type { RgbImage } from '../data/image';
import type { Tensor } from '../engine';

export interface LatentImageOptions {
  /** Values from −range to +range span black to white. @default 3, three standard deviations */
  readonly range?: number;
}

/** The first three channels of `latents`, [B, h, w, C ≥ 3], as red, green and blue. */
export function latentImages(latents: Tensor, { range = 3 }: LatentImageOptions = {}): RgbImage[] {
  const [count = 0, height = 0, width = 0, channels = 0] = latents.shape;
  if (latents.rank !== 4 || channels < 3) {
    throw new RangeError(`Latents are [B, h, w, C ≥ 3]; these are [${latents.shape.join(', ')}].`);
  }
  const values = latents.floats();
  return Array.from({ length: count }, (_, image) => {
    const data = new Uint8Array(height * width * 3);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const from = (image * height * width + pixel) * channels;
      for (let c = 0; c < 3; c++) {
        const level = ((values[from + c] ?? 0) / range + 1) / 2;
        data[pixel * 3 + c] = Math.round(255 * Math.min(1, Math.max(0, level)));
      }
    }
    return { width, height, data };
  });
}
