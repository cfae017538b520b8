/** Pictures made larger for looking at, every pixel a crisp square. */
import type { RgbImage } from '../data/image';

/** Repeats each pixel `scale` × `scale` times; nothing is blurred. */
export function enlarge({ width, height, data }: RgbImage, scale: number): RgbImage {
  if (!Number.isInteger(scale) || scale < 1) {
    throw new RangeError(`Pictures are enlarged by a whole number ≥ 1, not by ${scale}.`);
  }
  const large = new Uint8Array(width * height * scale * scale * 3);
  const stride = width * scale * 3;
  for (let y = 0; y < height; y++) {
    const row = y * scale * stride;
    for (let x = 0; x < width * scale; x++) {
      const from = (y * width + Math.floor(x / scale)) * 3;
      large.set(data.subarray(from, from + 3), row + x * 3);
    }
    for (let copy = 1; copy < scale; copy++) {
      large.copyWithin(row + copy * stride, row, row + stride);
    }
  }
  return { width: width * scale, height: height * scale, data: large };
}

/** The whole number that brings a picture closest to `target` pixels without passing it, or 1. */
export function scaleFor({ width }: RgbImage, target: number): number {
  return Math.max(1, Math.floor(target / width));
}
