/** How well a figure's outline matches each shape, whatever its size and place. */

import type { RgbImage } from '../data/image';
import type { Figure } from './figure';
import { see } from './figure';
import { render } from './render';
import { AREAS, cleanScene, PICTURE_SIZE } from './scenes';
import { SHAPES, type Shape } from './shapes';

/** Side of the grid on which outlines are compared. */
const GRID = 24;
/** Half the grid's width in units of √area: the longest reach of any shape and a margin. */
const HALF_WIDTH = 0.95;

/**
 * Intersection over union of the figure with every shape, both resampled about their centroids to
 * the same area; 1 is a perfect match.
 */
export function shapeMatch(figure: Figure): Record<Shape, number> {
  const seen = normalised(figure);
  const entries = templates().map(([shape, template]) => [shape, overlap(seen, template)] as const);
  return Object.fromEntries(entries) as Record<Shape, number>;
}

let known: (readonly [Shape, Float32Array])[] | undefined;

/** The shapes as they are seen in clean pictures, so that pixels blur both sides alike. */
function templates() {
  known ??= SHAPES.map((shape) => [shape, normalised(seenShape(shape))] as const);
  return known;
}

function seenShape(shape: Shape): Figure {
  const meaning = { colour: 'red', background: 'white', size: 'large', place: 'centre' } as const;
  const picture: RgbImage = render({ ...cleanScene({ ...meaning, shape }), area: AREAS.large });
  const { figure } = see(picture);
  if (!figure) throw new Error(`A clean ${shape} is not seen.`);
  return figure;
}

/** The mask about its centroid at unit area, sampled bilinearly, [GRID, GRID]. */
function normalised({ mask, area, x, y }: Figure): Float32Array {
  const halfWidth = HALF_WIDTH * Math.sqrt(area);
  const out = new Float32Array(GRID * GRID);
  const at = (index: number) => ((index + 0.5) / GRID) * 2 - 1;
  for (let row = 0; row < GRID; row++)
    for (let column = 0; column < GRID; column++)
      out[row * GRID + column] = sampled(
        mask,
        x + halfWidth * at(column) - 0.5,
        y + halfWidth * at(row) - 0.5,
      );
  return out;
}

/** Bilinear sample; 0 outside. Whole numbers are pixel centres. */
function sampled(mask: Uint8Array, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const top = (1 - fx) * pixel(mask, x0, y0) + fx * pixel(mask, x0 + 1, y0);
  const bottom = (1 - fx) * pixel(mask, x0, y0 + 1) + fx * pixel(mask, x0 + 1, y0 + 1);
  return (1 - fy) * top + fy * bottom;
}

function pixel(mask: Uint8Array, x: number, y: number): number {
  const outside = x < 0 || y < 0 || x >= PICTURE_SIZE || y >= PICTURE_SIZE;
  return outside ? 0 : (mask[y * PICTURE_SIZE + x] ?? 0);
}

function overlap(a: Float32Array, b: Float32Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [a[i] ?? 0, b[i] ?? 0];
    both += Math.min(u, v);
    either += Math.max(u, v);
  }
  return both / Math.max(either, 1e-9);
}
