/** The known rule by which pictures of the world are better or worse. */

import type { RgbImage } from '../data/image';
import { readCaption } from './captions';
import { type Figure, see } from './figure';
import {
  AREAS,
  BACKGROUND_NAMES,
  BACKGROUNDS,
  type Background,
  COLOUR_NAMES,
  COLOURS,
  type Colour,
  type Meaning,
  PLACE_NAMES,
  PLACES,
  type Place,
  type Rgb,
  SIZE_NAMES,
  type Size,
} from './scenes';
import { shapeMatch } from './shape-match';
import { SHAPES, type Shape } from './shapes';

/** What the judge looks at, each from 0 (bad) to 1 (good), and what it counts for. */
export const WEIGHTS = {
  colour: 3,
  shape: 3,
  background: 1,
  size: 1,
  place: 1,
  vivid: 1.5,
  clean: 1.5,
} as const;

export type Term = keyof typeof WEIGHTS;
export type Terms = Readonly<Record<Term, number>>;

/** Is what the caption says there? The others ask whether the picture is well made. */
export const FAITHFUL_TERMS = ['colour', 'shape', 'background', 'size', 'place'] as const;

export const TERMS = Object.keys(WEIGHTS) as readonly Term[];

/** The utility of a perfect picture. */
export const BEST_UTILITY = TERMS.reduce((sum, term) => sum + WEIGHTS[term], 0);

/** Judges a picture against its caption, from the pixels alone. Throws as `readCaption` does. */
export function judge(image: RgbImage, caption: string): Terms {
  return judgeMeaning(image, readCaption(caption));
}

/** What a picture shows: how like each name it is, and how well it is made; all from 0 to 1. */
export interface Perception {
  readonly colour: Readonly<Record<Colour, number>>;
  readonly shape: Readonly<Record<Shape, number>>;
  readonly background: Readonly<Record<Background, number>>;
  readonly size: Readonly<Record<Size, number>>;
  readonly place: Readonly<Record<Place, number>>;
  readonly vivid: number;
  readonly clean: number;
}

/** Judges a picture against what was meant. */
export const judgeMeaning = (image: RgbImage, meaning: Meaning): Terms =>
  judgeSeen(perceive(image), meaning);

/** Judges what was seen in a picture against what was meant. */
export function judgeSeen(seen: Perception | undefined, meaning: Meaning): Terms {
  if (!seen) return NOTHING_THERE;
  return {
    colour: seen.colour[meaning.colour],
    shape: seen.shape[meaning.shape],
    background: seen.background[meaning.background],
    size: seen.size[meaning.size],
    place: seen.place[meaning.place],
    vivid: seen.vivid,
    clean: seen.clean,
  };
}

/** Looks at a picture, whatever was meant; undefined where nothing stands out from the background. */
export function perceive(image: RgbImage): Perception | undefined {
  const { background, figure } = see(image);
  if (!figure) return undefined;
  const match = shapeMatch(figure);
  const best = Math.max(...Object.values(match));
  const saturation = Math.max(...figure.colour) - Math.min(...figure.colour);
  const colours = colourLikeness(figure.colour);
  const backgroundDistance = (b: Background) => squaredDistance(background, BACKGROUNDS[b]);
  return {
    colour: named(COLOUR_NAMES, (colour) => colours[colour] * unit(saturation / 40)),
    shape: softmax(SHAPES, (shape) => match[shape] / 0.05),
    background: softmax(BACKGROUND_NAMES, (b) => -backgroundDistance(b) / 830),
    size: named(SIZE_NAMES, (size) => sizeLikeness(figure, size)),
    place: named(PLACE_NAMES, (place) => unit(1 - distanceFromPlace(figure, place) / 7)),
    vivid: unit(saturation / 150),
    clean: unit(1 - (2 * figure.stray) / figure.area) * unit((best - 0.55) / 0.35),
  };
}

/** The weighted sum of the terms, 0 … `BEST_UTILITY`; `terms` limits which ones count. */
export function utility(judged: Terms, terms: readonly Term[] = TERMS): number {
  return terms.reduce((sum, term) => sum + WEIGHTS[term] * judged[term], 0);
}

/** A picture without a figure is worth nothing, whatever its background. */
const NOTHING_THERE: Terms = {
  colour: 0,
  shape: 0,
  background: 0,
  size: 0,
  place: 0,
  vivid: 0,
  clean: 0,
};

const unit = (x: number) => Math.min(1, Math.max(0, x));

/** Probabilities of the named things, from a score of each. */
function softmax<K extends string>(names: readonly K[], score: (name: K) => number) {
  const scores = names.map(score);
  const highest = Math.max(...scores);
  const weights = scores.map((s) => Math.exp(s - highest));
  const total = weights.reduce((a, b) => a + b, 0);
  return Object.fromEntries(names.map((n, i) => [n, (weights[i] ?? 0) / total])) as Record<
    K,
    number
  >;
}

const named = <K extends string>(names: readonly K[], value: (name: K) => number) =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, number>;

/** Hue as an angle (the hexagon's, smoothed): red 0, green 2π/3, blue −2π/3. */
function hue([red, green, blue]: Rgb): number {
  return Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue);
}

function colourLikeness(colour: Rgb) {
  return softmax(COLOUR_NAMES, (name) => {
    const angle = hue(colour) - hue(COLOURS[name]);
    const difference = Math.atan2(Math.sin(angle), Math.cos(angle));
    return -((difference / 0.25) ** 2);
  });
}

function squaredDistance(a: Rgb, b: Rgb): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** 1 at the asked size; the next size away, about half as large again, scores near 0.1. */
function sizeLikeness({ area }: Figure, size: Size): number {
  const deviation = Math.log(area / AREAS[size]) / 0.22;
  return Math.exp(-(deviation ** 2) / 2);
}

/** Pixels between the figure's centroid and where the caption wants it. */
function distanceFromPlace({ x, y }: Figure, place: Place): number {
  const [wantedX, wantedY] = PLACES[place];
  return Math.hypot(x - wantedX, y - wantedY);
}
