/** Bytes of pictures ↔ the numbers a model sees: float32 in [−1, 1], NHWC. */
import type { RgbImage } from './image';
import { roundHalfEven } from './round-half-even';

/** ToTensor then Normalize(0.5, 0.5), in float32 as torch computes it: byte → [−1, 1]. */
const PIXEL_VALUES = Float32Array.from({ length: 256 }, (_, byte) =>
  Math.fround(Math.fround(Math.fround(byte / 255) - 0.5) / 0.5),
);

/**
 * Pixel values of pictures of one size: [B, H, W, 3] in row-major order.
 *
 * @throws RangeError if there is no picture or the sizes differ.
 */
export function pixelValues(images: readonly RgbImage[]): Float32Array {
  const [first] = images;
  if (!first) throw new RangeError('There is no picture.');
  const each = first.width * first.height * 3;
  const out = new Float32Array(images.length * each);
  for (const [n, { width, height, data }] of images.entries()) {
    if (width !== first.width || height !== first.height) {
      throw new RangeError(
        `Picture ${n} is ${width}×${height}, the first is ${first.width}×${first.height}.`,
      );
    }
    for (let i = 0; i < each; i++) out[n * each + i] = PIXEL_VALUES[data[i] as number] as number;
  }
  return out;
}

/**
 * Pictures from pixel values [B, H, W, 3]: (x/2 + ½) clipped to [0, 1], times 255, rounded to even,
 * in float32. Source: diffusers `VaeImageProcessor.postprocess` and `numpy_to_pil`.
 *
 * @throws RangeError if a value is not a number or the length does not match.
 */
export function imagesFromPixelValues(
  values: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): RgbImage[] {
  const each = width * height * 3;
  if (values.length % each !== 0) {
    throw new RangeError(`${values.length} values are no whole number of ${width}×${height}×3.`);
  }
  return Array.from({ length: values.length / each }, (_, n) => ({
    width,
    height,
    data: Uint8Array.from(values.subarray(n * each, (n + 1) * each), toByte),
  }));
}

function toByte(value: number): number {
  if (Number.isNaN(value)) throw new RangeError('A pixel value is not a number (NaN).');
  const unit = Math.min(1, Math.max(0, Math.fround(Math.fround(value / 2) + 0.5)));
  return roundHalfEven(Math.fround(unit * 255));
}
