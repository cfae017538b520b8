/** Finds the one figure of a picture: what stands out from the background, in one piece. S × S pixels. */

import type { RgbImage } from '../data/image';
import type { Rgb } from './scenes';

/** A figure cut out of its picture. */
export interface Figure {
  /** 1 where the figure is, [S, S]. */
  readonly mask: Uint8Array;
  /** Pixels of the figure. */
  readonly area: number;
  /** Pixels that stand out but belong to no figure. */
  readonly stray: number;
  /** Centroid in pixels. */
  readonly x: number;
  readonly y: number;
  /** Mean colour, pixels weighted by how much they stand out. */
  readonly colour: Rgb;
}

/** What a picture shows. */
export interface Sight {
  readonly background: Rgb;
  /** Absent where nothing stands out. */
  readonly figure?: Figure;
}

/** Width of the border from which the background is read. */
const BORDER = 2;
/** How far a channel must be from the background's, of 255, to stand out. */
const CONTRAST = 30;
/** Fewer pixels are no figure. */
const MIN_AREA = 13;

/** Separates a picture into background, figure and stray pixels. */
export function see(image: RgbImage): Sight {
  const background = borderColour(image);
  const contrast = contrastWith(image, background);
  const standing = contrast.map((c) => (c > CONTRAST ? 1 : 0));
  const piece = largestPiece(standing, image.width);
  const mask = trimmed(piece, contrast);
  const area = count(mask);
  if (area < MIN_AREA) return { background };
  const stray = count(standing) - count(piece);
  return { background, figure: { mask, area, stray, ...weigh(image, mask, contrast) } };
}

function count(mask: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < mask.length; i++) sum += mask[i] ?? 0;
  return sum;
}

/** Median of every channel over the picture's border. */
function borderColour({ data, width, height }: RgbImage): Rgb {
  const channels: number[][] = [[], [], []];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const edge = Math.min(x, y, width - 1 - x, height - 1 - y);
      if (edge >= BORDER) continue;
      for (const [c, values] of channels.entries()) values.push(data[3 * (y * width + x) + c] ?? 0);
    }
  const [red = 0, green = 0, blue = 0] = channels.map(median);
  return [red, green, blue];
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Largest difference of any channel from the background, [S, S]. */
function contrastWith({ data }: RgbImage, background: Rgb): Float32Array {
  const contrast = new Float32Array(data.length / 3);
  const [red, green, blue] = background;
  for (let i = 0; i < contrast.length; i++)
    contrast[i] = Math.max(
      Math.abs((data[3 * i] ?? 0) - red),
      Math.abs((data[3 * i + 1] ?? 0) - green),
      Math.abs((data[3 * i + 2] ?? 0) - blue),
    );
  return contrast;
}

/** The largest set of pixels that touch, also at corners. */
function largestPiece(standing: ArrayLike<number>, width: number): Uint8Array {
  const pieces = new Int32Array(standing.length);
  let [best, bestSize] = [0, 0];
  let piece = 0;
  for (let start = 0; start < standing.length; start++) {
    if (!standing[start] || pieces[start]) continue;
    const size = flood(standing, pieces, { start, width, piece: ++piece });
    if (size > bestSize) [best, bestSize] = [piece, size];
  }
  return Uint8Array.from(pieces, (p) => (best > 0 && p === best ? 1 : 0));
}

/** Marks every pixel connected to `start` and returns their number. */
function flood(
  standing: ArrayLike<number>,
  pieces: Int32Array,
  { start, width, piece }: { start: number; width: number; piece: number },
): number {
  const height = standing.length / width;
  const queue = [start];
  pieces[start] = piece;
  for (let head = 0; head < queue.length; head++) {
    const at = queue[head] as number;
    const [x, y] = [at % width, Math.floor(at / width)];
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const next = ny * width + nx;
        if (!standing[next] || pieces[next]) continue;
        pieces[next] = piece;
        queue.push(next);
      }
  }
  return queue.length;
}

/** Without the half-covered pixels of the outline, which would make every figure look fatter. */
function trimmed(piece: Uint8Array, contrast: Float32Array): Uint8Array {
  let sum = 0;
  for (let i = 0; i < piece.length; i++) sum += (piece[i] ?? 0) * (contrast[i] ?? 0);
  const half = sum / Math.max(1, count(piece)) / 2;
  return piece.map((inside, i) => (inside && (contrast[i] ?? 0) > half ? 1 : 0));
}

function weigh({ data, width }: RgbImage, mask: Uint8Array, contrast: Float32Array) {
  let [area, x, y, weight] = [0, 0, 0, 0];
  const sum: [number, number, number] = [0, 0, 0];
  mask.forEach((inside, i) => {
    if (!inside) return;
    const w = contrast[i] ?? 0;
    area++;
    x += (i % width) + 0.5;
    y += Math.floor(i / width) + 0.5;
    weight += w;
    for (let c = 0; c < 3; c++) sum[c as 0 | 1 | 2] += w * (data[3 * i + c] ?? 0);
  });
  const colour: Rgb = [sum[0] / weight, sum[1] / weight, sum[2] / weight];
  return { x: x / area, y: y / area, colour };
}
