/**
 * torchvision's training transforms for pictures, with its rounding and its order of random draws:
 * Resize(shorter side) → RandomCrop or CenterCrop → RandomHorizontalFlip. Upstream: train.py `train_transforms`.
 */
import type { TorchGenerator } from '../random';
import type { RgbImage } from './image';
import { type ResizeOptions, resize } from './resize';
import { roundHalfEven } from './round-half-even';

/** A square cut out of a picture, perhaps mirrored; `left` and `top` in pixels of the resized picture. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly flipped: boolean;
}

/** A picture made smaller or larger, and what size it was. */
export interface ResizedPicture extends RgbImage {
  readonly originalSize: readonly [height: number, width: number];
}

/** What SDXL can be told of a picture in a batch, in pixels: its size before, and where in the resized one its square begins. */
export interface PictureSizes {
  readonly originalSize: readonly [height: number, width: number];
  readonly cropsCoordsTopLeft: readonly [top: number, left: number];
}

/** How a square of `resolution` pixels is cut out of every picture. */
export interface PlacementOptions {
  readonly resolution: number;
  /** @default 'center' */
  readonly crop?: 'center' | 'random';
  /** Mirrors half of all pictures. @default 'random' */
  readonly flip?: 'random' | 'none';
}

/** torchvision's Resize(size): the shorter side becomes `size`, the longer `int(size · long / short)`. */
export function resizeShorterSide(
  image: RgbImage,
  size: number,
  options: ResizeOptions = {},
): ResizedPicture {
  const { width, height } = shorterSideSize(image, size);
  return { ...resize(image, width, height, options), originalSize: [image.height, image.width] };
}

/** The size that `resizeShorterSide` gives, in pixels. */
export function shorterSideSize(
  { width, height }: { readonly width: number; readonly height: number },
  size: number,
) {
  const longer = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: size, height: longer } : { width: longer, height: size };
}

/** torchvision's CenterCrop(size). @throws RangeError if the picture is smaller than the square. */
export function centerCrop(image: RgbImage, size: number): RgbImage {
  const { left, top } = centered(image, size);
  return crop(image, { left, top, width: size, height: size });
}

/**
 * Draws where a resized picture is cut and whether it is mirrored, as torchvision draws it: top, then left
 * (nothing if the picture is exactly the square), then the flip.
 */
export function drawPlacement(
  image: RgbImage,
  generator: Pick<TorchGenerator, 'rand' | 'randint'>,
  { resolution, crop: kind = 'center', flip = 'random' }: PlacementOptions,
): Placement {
  const square = image.width === resolution && image.height === resolution;
  const { left, top } =
    kind === 'center' || square
      ? centered(image, resolution)
      : {
          top: drawOffset(generator, image.height - resolution),
          left: drawOffset(generator, image.width - resolution),
        };
  const flipped = flip === 'random' && (generator.rand(1)[0] as number) < 0.5;
  return { left, top, flipped };
}

/** The square of `resolution` pixels that a placement names. */
export function place(
  image: RgbImage,
  { left, top, flipped }: Placement,
  resolution: number,
): RgbImage {
  const square = crop(image, { left, top, width: resolution, height: resolution });
  return flipped ? flipHorizontal(square) : square;
}

/** Of a placed picture; of a mirrored one, as it is then. */
export function placedSizes(
  { width, originalSize }: ResizedPicture,
  { left, top, flipped }: Placement,
  resolution: number,
): PictureSizes {
  return { originalSize, cropsCoordsTopLeft: [top, flipped ? width - resolution - left : left] };
}

/** Cuts out a rectangle, in pixels. @throws RangeError if it is not inside the picture. */
export function crop(
  image: RgbImage,
  rectangle: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  },
): RgbImage {
  const { left, top, width, height } = rectangle;
  if (left < 0 || top < 0 || left + width > image.width || top + height > image.height) {
    throw new RangeError(
      `A ${width}×${height} crop at (${left}, ${top}) is not inside a ${image.width}×${image.height} picture.`,
    );
  }
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** Mirrors left and right. */
export function flipHorizontal({ width, height, data }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  const stride = width * 3;
  for (let row = 0; row < data.length; row += stride) {
    for (let x = 0; x < stride; x += 3) {
      const to = row + x;
      const from = row + stride - 3 - x;
      out[to] = data[from] as number;
      out[to + 1] = data[from + 1] as number;
      out[to + 2] = data[from + 2] as number;
    }
  }
  return { width, height, data: out };
}

/** Repeats every pixel `factor` times in both directions: enlarged with crisp edges, for people to look at. */
export function enlarge({ width, height, data }: RgbImage, factor: number): RgbImage {
  if (!Number.isInteger(factor) || factor < 1) {
    throw new RangeError(`A picture is enlarged by a whole number, not by ${factor}.`);
  }
  const stride = width * factor * 3;
  const out = new Uint8Array(stride * height * factor);
  for (let y = 0; y < height; y++) {
    const row = y * factor * stride;
    for (let x = 0; x < width * factor; x++) {
      const from = (y * width + Math.trunc(x / factor)) * 3;
      out.set(data.subarray(from, from + 3), row + x * 3);
    }
    for (let copy = 1; copy < factor; copy++) {
      out.copyWithin(row + copy * stride, row, row + stride);
    }
  }
  return { width: width * factor, height: height * factor, data: out };
}

function centered({ width, height }: RgbImage, size: number) {
  return { left: roundHalfEven((width - size) / 2), top: roundHalfEven((height - size) / 2) };
}

function drawOffset(generator: Pick<TorchGenerator, 'randint'>, room: number): number {
  if (room < 0) throw new RangeError('The picture is smaller than the square cut out of it.');
  return generator.randint(0, room + 1, 1)[0] as number;
}
