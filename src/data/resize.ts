/**
 * Pillow's `Image.resize` for 8-bit RGB, byte for byte: antialiased, separable, 22-bit fixed point.
 * Source of the arithmetic: Pillow, src/libImaging/Resample.c (HPND licence), re-derived here.
 */
import type { RgbImage } from './image';

export type ResizeFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** Weights of one output column (or row): input positions `first … first + weights.length − 1`. */
interface Tap {
  readonly first: number;
  readonly weights: Int32Array;
}

const PRECISION_BITS = 22;

/** x ↦ weight, and the half-width beyond which it is 0. Bicubic: Keys (1981) with a = −½. */
const FILTERS = {
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x: number) => keys(Math.abs(x)) },
  lanczos: { support: 3, weight: (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const;

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

function keys(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

export interface ResizeOptions {
  /** @default 'bilinear' */
  readonly filter?: ResizeFilter;
  /**
   * Which Pillow to equal. Version 13 shrinks the height first where it loses more than twice as many pixels as the
   * width does, older ones (the original training code pins 10.1) never do; roundings then differ by a level or two.
   * @default 'current'
   */
  readonly pillow?: 'current' | 'before 13';
}

/**
 * Resizes to `width` × `height`. Equals Pillow's `image.resize((width, height), filter)` in every byte.
 *
 * @throws RangeError if a side is not a positive integer.
 */
export function resize(
  image: RgbImage,
  width: number,
  height: number,
  { filter = 'bilinear', pillow = 'current' }: ResizeOptions = {},
): RgbImage {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`A picture cannot be resized to ${width}×${height}.`);
  }
  const toWidth = (x: RgbImage) =>
    width === x.width ? x : resizeWidth(x, taps(x.width, width, filter));
  const toHeight = (x: RgbImage) =>
    height === x.height ? x : resizeHeight(x, taps(x.height, height, filter));
  const lost = { rows: image.height - height, columns: image.width - width };
  const heightFirst = pillow === 'current' && lost.rows > 0 && lost.rows > 2 * lost.columns;
  return heightFirst ? toWidth(toHeight(image)) : toHeight(toWidth(image));
}

function taps(inSize: number, outSize: number, filter: ResizeFilter): Tap[] {
  const { support, weight } = FILTERS[filter];
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1); // shrinking widens the filter: that is the antialiasing
  const reach = support * stretch;
  const unstretch = 1 / stretch; // multiplied by, as Pillow does; dividing rounds differently
  return Array.from({ length: outSize }, (_, out) => {
    const center = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(inSize, Math.trunc(center + reach + 0.5));
    const raw: number[] = [];
    let sum = 0;
    for (let i = first; i < end; i++) {
      const w = weight((i - center + 0.5) * unstretch);
      raw.push(w);
      sum += w;
    }
    return { first, weights: Int32Array.from(raw, (w) => fixedPoint(sum === 0 ? w : w / sum)) };
  });
}

function fixedPoint(weight: number): number {
  return Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5));
}

function toByte(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION_BITS));
}

function resizeWidth({ width, height, data }: RgbImage, columns: readonly Tap[]): RgbImage {
  const out = new Uint8Array(columns.length * height * 3);
  let o = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of columns) {
      let r = 1 << (PRECISION_BITS - 1); // one half, so that the shift rounds
      let g = r;
      let b = r;
      let i = (y * width + first) * 3;
      for (let k = 0; k < weights.length; k++, i += 3) {
        const w = weights[k] as number;
        r += (data[i] as number) * w;
        g += (data[i + 1] as number) * w;
        b += (data[i + 2] as number) * w;
      }
      out[o++] = toByte(r);
      out[o++] = toByte(g);
      out[o++] = toByte(b);
    }
  }
  return { width: columns.length, height, data: out };
}

function resizeHeight({ width, data }: RgbImage, rows: readonly Tap[]): RgbImage {
  const stride = width * 3;
  const out = new Uint8Array(rows.length * stride);
  const sums = new Int32Array(stride);
  for (const [y, { first, weights }] of rows.entries()) {
    sums.fill(1 << (PRECISION_BITS - 1));
    for (let k = 0; k < weights.length; k++) {
      const w = weights[k] as number;
      const line = (first + k) * stride;
      for (let x = 0; x < stride; x++) {
        sums[x] = (sums[x] as number) + (data[line + x] as number) * w;
      }
    }
    for (let x = 0; x < stride; x++) out[y * stride + x] = toByte(sums[x] as number);
  }
  return { width, height: rows.length, data: out };
}
