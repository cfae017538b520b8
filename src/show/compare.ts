/** What differs between two of a kind: pictures over one another, weights block by block, models by their scores. */
import type { RgbImage } from '../data/image';
import { Parameters } from '../engine';
import { type Comparison, compare as compareDrawn, type Drawn } from '../toyworld';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { escapeHtml } from './text';
import { COLOURS, heading, remark } from './theme';
import { dataUrl, fitted, pageSize } from './thumbnail';
import { compareWeights, type WeightsComparison } from './weights-comparison';

export interface ComparePicturesOptions {
  /** @default ['a', 'b'] */
  readonly labels?: readonly [string, string];
  /** `slider`: the edge of the upper picture is dragged. `blink`: the second comes and goes. @default slider */
  readonly mode?: 'slider' | 'blink';
  readonly caption?: string;
  /** Longest side in the page, in pixels. @default 384 */
  readonly side?: number;
}

type Weights = Parameters | { readonly parameters: Parameters };

const isWeights = (value: object): value is Weights =>
  value instanceof Parameters || 'parameters' in value;

const parametersOf = (weights: Weights) =>
  weights instanceof Parameters ? weights : weights.parameters;

/** Two pictures of one size over one another. */
export function compare(a: RgbImage, b: RgbImage, options?: ComparePicturesOptions): Displayable;
/** Weights of the same names, or networks of one kind from two checkpoints: `a` before and `b` after. */
export function compare(a: Weights, b: Weights): WeightsComparison;
/** A tuned model's pictures, `a`, with its base's, `b`, prompt by prompt. */
export function compare(a: Drawn, b: Drawn): Comparison;
export function compare(
  a: RgbImage | Weights | Drawn,
  b: RgbImage | Weights | Drawn,
  options: ComparePicturesOptions = {},
): Displayable | Comparison {
  if (isWeights(a) && isWeights(b)) return compareWeights(parametersOf(a), parametersOf(b));
  if ('images' in a && 'images' in b) return compareDrawn(a, b);
  if ('data' in a && 'data' in b) return comparePictures(a, b, options);
  throw new TypeError(
    'compare takes two pictures, two sets of weights or two sets of drawn pictures.',
  );
}

function comparePictures(a: RgbImage, b: RgbImage, options: ComparePicturesOptions): Displayable {
  if (a.width !== b.width || a.height !== b.height) {
    const sizes = `${a.width}×${a.height} and ${b.width}×${b.height}`;
    throw new RangeError(`Pictures are compared at one size; these are ${sizes}.`);
  }
  return { [DISPLAY]: () => picturesBundle(a, b, options) };
}

async function picturesBundle(
  a: RgbImage,
  b: RgbImage,
  { labels = ['a', 'b'], mode = 'slider', caption = '', side = 384 }: ComparePicturesOptions,
): Promise<MimeBundle> {
  const urls = await Promise.all([a, b].map(async (image) => dataUrl(await fitted(image, side))));
  const size = pageSize(a, side);
  const images = urls.map((url, i) => {
    const alt = escapeHtml([caption, labels[i] ?? ''].filter((part) => part).join(', '));
    const look = 'display:block;max-width:none';
    return `<img src="${url}" alt="${alt}" width="${size.width}" height="${size.height}" style="${look}">`;
  });
  const [first = '', second = ''] = images;
  const said = differenceText(a, b);
  const text = `${[caption, `${labels[0]} | ${labels[1]}`].filter((part) => part).join(': ')} (${said})`;
  return {
    'text/html': [
      caption === '' ? '' : heading(caption),
      mode === 'slider'
        ? sliderHtml(first, second, size, labels)
        : blinkHtml(first, second, labels),
      remark(said),
    ].join(''),
    'text/plain': text,
  };
}

/**
 * The first picture is above, in a box whose corner is dragged. No script: it works where a page is not trusted too,
 * whose filter keeps rows and columns of a grid, but no areas.
 */
function sliderHtml(
  over: string,
  under: string,
  { width, height }: { readonly width: number; readonly height: number },
  labels: readonly [string, string],
): string {
  const half = Math.round(width / 2);
  const box = `grid-row:1;grid-column:1;width:${half}px;min-width:12px;max-width:${width}px;height:${height}px`;
  const handle = `overflow:hidden;resize:horizontal;border-right:3px solid ${COLOURS[1]};box-sizing:border-box`;
  const [a, b] = labels.map(escapeHtml);
  const key = `<small>left of the line <b>${a}</b>, right of it <b>${b}</b>; drag its lower end</small>`;
  return `<div style="display:grid;justify-content:start"><div style="grid-row:1;grid-column:1">${under}</div><div style="${box};${handle}">${over}</div></div>${key}`;
}

/**
 * The second picture lies over the first and goes away every other 0.8 s; the pointer on it holds it still. Where styles
 * are dropped, on paper, and for those who asked for no motion, both stand side by side.
 */
const BLINK_STYLE = `<style>
@keyframes dpo-blink { 50% { opacity: 0; } }
@media screen and (prefers-reduced-motion: no-preference) {
  .dpo-blink { display: inline-grid !important; }
  .dpo-blink > * { grid-area: 1 / 1; background: var(--jp-layout-color0, Canvas); }
  .dpo-blink > :last-child { animation: dpo-blink 1.6s steps(1) infinite; }
  .dpo-blink:hover > :last-child { animation-play-state: paused; }
}
</style>`;

function blinkHtml(under: string, over: string, labels: readonly [string, string]): string {
  const named = (picture: string, label: string) =>
    `<div>${picture}<small><b>${escapeHtml(label)}</b></small></div>`;
  const both = named(under, labels[0]) + named(over, labels[1]);
  return `<div class="dpo-blink" style="display:inline-flex;gap:8px">${both}</div>${BLINK_STYLE}`;
}

/** How far apart two pictures are, in levels of 0 to 255. */
function differenceText(a: RgbImage, b: RgbImage): string {
  let [sum, changed] = [0, 0];
  a.data.forEach((value, i) => {
    const difference = Math.abs(value - (b.data[i] ?? 0));
    sum += difference;
    if (difference > 0) changed++;
  });
  const share = ((100 * changed) / a.data.length).toFixed(1);
  return changed === 0
    ? 'The pictures are equal'
    : `${share} % of the values differ, by ${(sum / a.data.length).toFixed(2)} levels on average`;
}
