import type { RgbImage } from '../data/image';
import { roundHalfEven } from '../data/round-half-even';
import { resizeTensor, type TensorResizeOptions, toUnitRange } from '../data/tensor-resize';
import { type Tensor, tensor } from '../engine';

/** How OpenCLIP's pictures are prepared. */
export interface LongestSide extends TensorResizeOptions {
  /** Side of the square in pixels. */
  readonly size: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Pictures as the original's HPS and CLIP selectors prepare them: the longest side resized, black added on the other
 * sides, normalised. [B, size, size, 3].
 * Upstream: hpsv2 1.2.0, src/open_clip/transform.py, `ResizeMaxSize`, behind `ToTensor`. It pads only what it resizes,
 * so that a picture whose longest side is `size` already and which is no square ends its program; here it is padded.
 * @throws RangeError for a picture so thin that nothing of it would be left
 */
export function longestSideValues(images: readonly RgbImage[], options: LongestSide): Tensor {
  const { size } = options;
  const each = size * size * 3;
  const values = new Float32Array(images.length * each);
  for (const [b, image] of images.entries()) {
    const scale = size / Math.max(image.width, image.height);
    const [width, height] = [image.width, image.height].map((side) => roundHalfEven(side * scale));
    if (!width || !height)
      throw new RangeError(
        `A picture of ${image.width}×${image.height} pixels is too thin to be seen at ${size}×${size}.`,
      );
    const whole = toUnitRange(image);
    const { data } = scale === 1 ? whole : resizeTensor(whole, width, height, options);
    const [left, top] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
    const square = values.subarray(b * each, (b + 1) * each);
    for (let y = 0; y < height; y++)
      square.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3);
    square.set(normalised(square, options));
  }
  return tensor(values, [images.length, size, size, 3]);
}

/** torchvision's `Normalize` of [.., 3], in float32: (x − mean) / std by channel. */
export function normalised(
  values: Float32Array,
  { mean, std }: Pick<LongestSide, 'mean' | 'std'>,
): Float32Array {
  return values.map((x, i) => {
    const centered = Math.fround(x - Math.fround(mean[i % 3] ?? 0));
    return centered / Math.fround(std[i % 3] ?? 1);
  });
}
