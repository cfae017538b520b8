/** What pictures look like, whatever they show: a reward that is hacked often shows here first. H × W pixels. */
import { type RgbImage, resize } from '../../data';

/** Facts of one picture. */
export interface Look {
  /** M of Hasler and Süsstrunk 2003, "Measuring colourfulness in natural images": about 0 grey … 110 extremely colourful. */
  readonly colourfulness: number;
  /** Standard deviation of the luma, 0 … ½: root mean square contrast (Peli 1990). */
  readonly contrast: number;
  /** Variance of the luma's Laplacian, luma in 0 … 255 (Pech-Pacheco et al. 2000). */
  readonly sharpness: number;
  /** Mean of the luma, 0 … 1. */
  readonly brightness: number;
}

export const LOOKS = ['colourfulness', 'contrast', 'sharpness', 'brightness'] as const;

/** Looks at one picture; luma is Rec. 601's 0.299 R + 0.587 G + 0.114 B. */
export function look(image: RgbImage): Look {
  const y = luma(image);
  const all = moments(y);
  return {
    colourfulness: colourfulness(image),
    contrast: Math.sqrt(all.variance) / 255,
    sharpness: moments(laplacian(y, image)).variance,
    brightness: all.mean / 255,
  };
}

/** σ_rgyb + 0.3 μ_rgyb with rg = R − G and yb = ½ (R + G) − B. */
function colourfulness({ data }: RgbImage): number {
  const n = data.length / 3;
  const at = (i: number, c: number) => data[3 * i + c] ?? 0;
  const rg = moments(Float64Array.from({ length: n }, (_, i) => at(i, 0) - at(i, 1)));
  const yb = moments(
    Float64Array.from({ length: n }, (_, i) => (at(i, 0) + at(i, 1)) / 2 - at(i, 2)),
  );
  return Math.sqrt(rg.variance + yb.variance) + 0.3 * Math.hypot(rg.mean, yb.mean);
}

function luma({ data }: RgbImage): Float64Array {
  return Float64Array.from(
    { length: data.length / 3 },
    (_, i) =>
      0.299 * (data[3 * i] ?? 0) + 0.587 * (data[3 * i + 1] ?? 0) + 0.114 * (data[3 * i + 2] ?? 0),
  );
}

/** Sum of the four neighbours less four times the middle; beyond the edge the picture is mirrored. [H, W] */
function laplacian(y: Float64Array, { width: W, height: H }: RgbImage): Float64Array {
  const inside = (i: number, n: number) =>
    i < 0 ? Math.min(1, n - 1) : i >= n ? Math.max(0, n - 2) : i;
  const at = (row: number, column: number) => y[inside(row, H) * W + inside(column, W)] ?? 0;
  return Float64Array.from({ length: H * W }, (_, i) => {
    const [r, c] = [Math.floor(i / W), i % W];
    return at(r - 1, c) + at(r + 1, c) + at(r, c - 1) + at(r, c + 1) - 4 * at(r, c);
  });
}

function moments(values: Float64Array): { readonly mean: number; readonly variance: number } {
  let [sum, squares] = [0, 0];
  for (const x of values) sum += x;
  const mean = sum / values.length;
  for (const x of values) squares += (x - mean) ** 2;
  return { mean, variance: squares / values.length };
}

/**
 * Difference hash: 64 bits, each whether a pixel of the picture at 9 × 8 is brighter than its right neighbour (Krawetz 2013,
 * "Kind of like that"). Pictures that look alike have nearly the same bits.
 */
export function differenceHash(image: RgbImage): string {
  const y = luma(resize(image, 9, 8, { filter: 'bilinear' }));
  let bits = '';
  for (let row = 0; row < 8; row++)
    for (let column = 0; column < 8; column++)
      bits += (y[9 * row + column] ?? 0) > (y[9 * row + column + 1] ?? 0) ? '1' : '0';
  return BigInt(`0b${bits}`).toString(16).padStart(16, '0');
}

/** In how many of 64 bits two difference hashes differ. */
export function hashDistance(a: string, b: string): number {
  const half = (hash: string, from: number) => Number.parseInt(hash.slice(from, from + 8), 16);
  return bits(half(a, 0) ^ half(b, 0)) + bits(half(a, 8) ^ half(b, 8));
}

/** How many of 32 bits are set. */
function bits(x: number): number {
  let count = 0;
  for (let left = x >>> 0; left !== 0; left &= left - 1) count++;
  return count;
}
