/** The pictures in a tensor, where its shape is that of pictures or latents. B pictures, H × W, C channels. */
import type { RgbImage } from '../data/image';
import { noGrad, type Tensor, tidy } from '../engine';
import { bool, call, dtype, intConstant } from '../engine/ops/call';
import { latentImages } from './latent-images';
import type { TensorStats } from './tensor-stats';

export interface TensorPictures {
  readonly images: readonly RgbImage[];
  /** Which numbers are black and which white. */
  readonly scale: string;
  /** Pictures in the tensor. */
  readonly count: number;
}

/** Smaller ones are kernels of convolutions. */
const LEAST_SIDE = 8;

export interface TensorPictureOptions {
  /** Pictures read, the first ones. @default 6 */
  readonly most?: number;
  /** Larger ones are reduced to this before they are read. @default 256 */
  readonly side?: number;
}

/**
 * The first pictures of [B, H, W, C] or [H, W, C] with C = 1, 3 or 4 (latents: three of their channels), no side below 8.
 * Undefined for another shape, and where no number is finite.
 */
export function tensorPictures(
  x: Tensor,
  { finite }: TensorStats,
  { most = 6, side = 256 }: TensorPictureOptions = {},
): TensorPictures | undefined {
  const shape = x.rank === 3 ? [1, ...x.shape] : x.shape;
  const [B = 0, H = 0, W = 0, C = 0] = shape;
  const isPicture = shape.length === 4 && Math.min(H, W) >= LEAST_SIDE && [1, 3, 4].includes(C);
  if (!isPicture || B === 0 || !finite) return undefined;
  const few = Math.min(B, most);
  return tidy(() =>
    noGrad(() => {
      const first = x.reshape(shape).slice([0, 0, 0, 0], [few, H, W, C]).cast('float32');
      const small = Math.max(H, W) > side ? resized(first, side) : first; // [few, h, w, C]
      if (C === 4) return { images: latentImages(small), scale: '−3 … 3', count: B };
      const [low, high] = range(finite);
      const unit = small.sub(low).mul(1 / (high - low || 1));
      return { images: unitImages(unit), scale: `${plain(low)} … ${plain(high)}`, count: B };
    }),
  );
}

const plain = (value: number) => String(Number(value.toPrecision(3))).replace('-', '−');

/** The usual range that holds the numbers, or their own. */
function range({ min, max }: { readonly min: number; readonly max: number }) {
  if (min >= 0 && max <= 1) return [0, 1] as const;
  if (min >= -1.0001 && max <= 1.0001) return [-1, 1] as const;
  if (min >= 0 && max <= 255 && max > 100) return [0, 255] as const;
  return [min, max] as const;
}

function resized(x: Tensor, side: number): Tensor {
  const [, H = 1, W = 1] = x.shape;
  const factor = side / Math.max(H, W);
  const size = intConstant([H, W].map((length) => Math.max(1, Math.round(length * factor))));
  const attributes = { align_corners: bool(false), half_pixel_centers: bool(true) };
  return call('ResizeBilinear', { T: dtype('float32'), ...attributes }, [x, size]);
}

/** [B, h, w, 1 or 3], 0 is black and 1 white; what is no number is black. */
function unitImages(x: Tensor): RgbImage[] {
  const [B = 0, height = 0, width = 0, C = 1] = x.shape;
  const values = x.floats();
  return Array.from({ length: B }, (_, b) => {
    const from = b * height * width;
    const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
      const value = values[(from + Math.floor(i / 3)) * C + (C === 1 ? 0 : i % 3)] ?? 0;
      return Math.round(255 * Math.min(1, Math.max(0, value || 0)));
    });
    return { width, height, data };
  });
}
