/** Draws a scene: 64 × 64 anti-aliased samples averaged to a 32 × 32 picture. */

import type { RgbImage } from '../data/image';
import { BACKGROUNDS, type Blemish, COLOURS, PICTURE_SIZE, type Rgb, type Scene } from './scenes';
import { unitShape } from './shapes';

const SAMPLES = 2 * PICTURE_SIZE;
const STEP = PICTURE_SIZE / SAMPLES; // pixels between samples

/** The outline's waves: how many around the figure, and their share of the amplitude. */
const WAVES = [
  [2, 0.6],
  [3, 0.8],
  [5, 0.6],
] as const;

const BLEMISH_OPACITY = 0.85;

/** Renders a scene to 32 × 32 RGB. */
export function render(scene: Scene): RgbImage {
  const canvas = new Float32Array(SAMPLES * SAMPLES * 3);
  const ground = BACKGROUNDS[scene.background];
  for (let i = 0; i < canvas.length; i++)
    canvas[i] = (ground[i % 3] ?? 0) + (scene.backgroundShift[i % 3] ?? 0);
  paintFigure(canvas, scene);
  for (const blemish of scene.blemishes) paintBlemish(canvas, blemish);
  return { width: PICTURE_SIZE, height: PICTURE_SIZE, data: shrink(canvas) };
}

/** A colour drawn towards a middle gray of its own brightness; `vividness` 1 leaves it as it is. */
function faded(colour: Rgb, vividness: number): Rgb {
  const luma = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2];
  const gray = 0.6 * luma + 51;
  const fade = (channel: number) => gray + vividness * (channel - gray);
  return [fade(colour[0]), fade(colour[1]), fade(colour[2])];
}

function paintFigure(canvas: Float32Array, scene: Scene): void {
  const { inside, reach } = unitShape(scene.shape);
  const scale = Math.sqrt(scene.area);
  const colour = faded(COLOURS[scene.colour], scene.vividness);
  const [cos, sin] = [Math.cos(scene.rotation), Math.sin(scene.rotation)];
  const extent = 1.35 * Math.max(reach.left, reach.right, reach.up, reach.down) * scale;
  forSamplesNear(scene.centre, extent, (offset, dx, dy) => {
    const wave = 1 + waviness(scene, dx, dy);
    const u = ((dx * cos + dy * sin) / scale) * wave;
    const v = ((dy * cos - dx * sin) / scale) * wave;
    blend(canvas, offset, colour, inside(u, v) * (scale / STEP) + 0.5);
  });
}

function waviness({ wobble }: Scene, dx: number, dy: number): number {
  if (wobble.amplitude === 0) return 0;
  const angle = Math.atan2(dy, dx);
  let sum = 0;
  WAVES.forEach(([count, share], i) => {
    sum += share * Math.sin(count * angle + (wobble.phases[i] ?? 0));
  });
  return wobble.amplitude * sum;
}

function paintBlemish(canvas: Float32Array, { x, y, radius, colour }: Blemish): void {
  forSamplesNear([x, y], radius + 1, (offset, dx, dy) => {
    const cover = (radius - Math.hypot(dx, dy)) / STEP + 0.5;
    blend(canvas, offset, colour, BLEMISH_OPACITY * Math.min(1, cover));
  });
}

/** Visits the samples within `extent` pixels of a centre (a square), with their distance from it. */
function forSamplesNear(
  [x, y]: readonly [number, number],
  extent: number,
  visit: (offset: number, dx: number, dy: number) => void,
): void {
  const first = (at: number) => Math.max(0, Math.floor((at - extent) / STEP));
  const last = (at: number) => Math.min(SAMPLES - 1, Math.ceil((at + extent) / STEP));
  for (let row = first(y); row <= last(y); row++)
    for (let column = first(x); column <= last(x); column++)
      visit(3 * (row * SAMPLES + column), (column + 0.5) * STEP - x, (row + 0.5) * STEP - y);
}

function blend(canvas: Float32Array, offset: number, colour: Rgb, cover: number): void {
  if (cover <= 0) return;
  const alpha = Math.min(1, cover);
  for (let c = 0; c < 3; c++) {
    const under = canvas[offset + c] ?? 0;
    canvas[offset + c] = under + alpha * ((colour[c] ?? 0) - under);
  }
}

/** Averages 2 × 2 samples to one pixel and rounds to bytes. */
function shrink(canvas: Float32Array): Uint8Array {
  const data = new Uint8ClampedArray(PICTURE_SIZE * PICTURE_SIZE * 3);
  const right = 3;
  const below = 3 * SAMPLES;
  for (let row = 0; row < PICTURE_SIZE; row++)
    for (let column = 0; column < PICTURE_SIZE; column++)
      for (let c = 0; c < 3; c++) {
        const at = 3 * (2 * row * SAMPLES + 2 * column) + c;
        const sum =
          (canvas[at] ?? 0) +
          (canvas[at + right] ?? 0) +
          (canvas[at + below] ?? 0) +
          (canvas[at + below + right] ?? 0);
        data[3 * (row * PICTURE_SIZE + column) + c] = sum / 4;
      }
  return new Uint8Array(data.buffer);
}
