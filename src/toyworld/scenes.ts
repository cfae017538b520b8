/** What a picture of the world can mean, and how pictures come to differ from what was meant. */

import type { Draws } from './draws';
import { SHAPES, type Shape, unitShape } from './shapes';

/** Red, green, blue, each 0…255. */
export type Rgb = readonly [number, number, number];

/** Colours of figures. */
export const COLOURS = {
  red: [222, 28, 34],
  orange: [246, 132, 18],
  yellow: [240, 220, 24],
  green: [22, 168, 52],
  cyan: [28, 204, 214],
  blue: [36, 72, 228],
  purple: [132, 40, 200],
  pink: [246, 88, 178],
} as const satisfies Record<string, Rgb>;

/** Colours of backgrounds. */
export const BACKGROUNDS = {
  white: [240, 240, 240],
  black: [22, 22, 22],
  gray: [128, 128, 128],
  cream: [240, 222, 180],
  navy: [28, 34, 86],
  mint: [176, 226, 200],
} as const satisfies Record<string, Rgb>;

/** Area of a figure in square pixels of the 32 × 32 picture; a caption without a size means medium. */
export const AREAS = { small: 120, medium: 195, large: 300 } as const;

/** Where a figure's centroid belongs, in pixels; a caption without a place means the centre. */
export const PLACES = {
  centre: [16, 16],
  left: [11, 16],
  right: [21, 16],
  top: [16, 11],
  bottom: [16, 21],
} as const satisfies Record<string, readonly [number, number]>;

export type Colour = keyof typeof COLOURS;
export type Background = keyof typeof BACKGROUNDS;
export type Size = keyof typeof AREAS;
export type Place = keyof typeof PLACES;

export const COLOUR_NAMES = Object.keys(COLOURS) as readonly Colour[];
export const BACKGROUND_NAMES = Object.keys(BACKGROUNDS) as readonly Background[];
export const SIZE_NAMES = Object.keys(AREAS) as readonly Size[];
export const PLACE_NAMES = Object.keys(PLACES) as readonly Place[];

/** Side of a picture in pixels. */
export const PICTURE_SIZE = 32;

/** What a caption says. `medium` and `centre` are what it means when it says nothing. */
export interface Meaning {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly background: Background;
  readonly size: Size;
  readonly place: Place;
}

/** A disc of stray colour. Position and radius in pixels. */
export interface Blemish {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Rgb;
}

/** Everything that is drawn; `meaning` is what the draughtsman had in mind. */
export interface Scene {
  readonly meaning: Meaning;
  readonly colour: Colour;
  readonly shape: Shape;
  readonly background: Background;
  /** Square pixels. */
  readonly area: number;
  /** Centroid in pixels. */
  readonly centre: readonly [number, number];
  /** Radians. */
  readonly rotation: number;
  /** 1 is the full colour, 0 is gray. */
  readonly vividness: number;
  /** Amplitude of the outline's waves relative to the radius, and the phases of its three waves. */
  readonly wobble: { readonly amplitude: number; readonly phases: readonly number[] };
  readonly blemishes: readonly Blemish[];
  /** Added to every channel of the background. */
  readonly backgroundShift: Rgb;
}

/** A large figure has no room to stand aside, so it is always meant for the centre. */
const LAYOUTS: readonly (readonly [Size, Place])[] = SIZE_NAMES.flatMap((size) =>
  (size === 'large' ? (['centre'] as const) : PLACE_NAMES).map((place) => [size, place] as const),
);

/** Every meaning there is, each once. */
export function allMeanings(): Meaning[] {
  const meanings: Meaning[] = [];
  for (const colour of COLOUR_NAMES)
    for (const shape of SHAPES)
      for (const background of BACKGROUND_NAMES)
        for (const [size, place] of LAYOUTS)
          meanings.push({ colour, shape, background, size, place });
  return meanings;
}

/** True for one combination of colour, shape and background in six; no training caption uses these. */
export function isHeldOut({ colour, shape, background }: Meaning): boolean {
  const code =
    5 * COLOUR_NAMES.indexOf(colour) +
    3 * SHAPES.indexOf(shape) +
    7 * BACKGROUND_NAMES.indexOf(background);
  return code % 6 === 0;
}

/** A random meaning of one split. Half of all meanings are plain: medium size, in the centre. */
export function drawMeaning(draws: Draws, split: 'train' | 'heldout'): Meaning {
  for (;;) {
    const [size, place] = draws.chance(0.5) ? (['medium', 'centre'] as const) : draws.pick(LAYOUTS);
    const meaning = {
      colour: draws.pick(COLOUR_NAMES),
      shape: draws.pick(SHAPES),
      background: draws.pick(BACKGROUND_NAMES),
      size,
      place,
    };
    if (isHeldOut(meaning) === (split === 'heldout')) return meaning;
  }
}

const NO_WOBBLE = { amplitude: 0, phases: [0, 0, 0] } as const;

/** The scene exactly as meant: full colour, right place and size, nothing stray. */
export function cleanScene(meaning: Meaning): Scene {
  const { colour, shape, background, size, place } = meaning;
  return {
    meaning,
    colour,
    shape,
    background,
    area: AREAS[size],
    centre: fitted(PLACES[place], shape, AREAS[size]),
    rotation: 0,
    vividness: 1,
    wobble: NO_WOBBLE,
    blemishes: [],
    backgroundShift: [0, 0, 0],
  };
}

/**
 * The scene as a hurried hand draws it: off its place, pale, ragged, with stray dots, now and then
 * in the wrong colour or shape. These faults are what preferences have to improve.
 */
export function sloppyScene(meaning: Meaning, draws: Draws): Scene {
  const shape = draws.chance(0.04) ? draws.pick(SHAPES) : meaning.shape;
  const area = AREAS[meaning.size] * draws.uniform(0.88, 1.12);
  return {
    meaning,
    colour: draws.chance(0.05) ? draws.pick(COLOUR_NAMES) : meaning.colour,
    shape,
    background: draws.chance(0.03) ? draws.pick(BACKGROUND_NAMES) : meaning.background,
    area,
    centre: sloppyCentre(PLACES[meaning.place], shape, area, draws),
    rotation: 0.1 * draws.normal(),
    vividness: draws.uniform(0.3, 1),
    wobble: draws.chance(0.5)
      ? { amplitude: draws.uniform(0, 0.09), phases: drawPhases(draws) }
      : NO_WOBBLE,
    blemishes: Array.from({ length: draws.pick([0, 0, 0, 1, 2, 3]) }, () => drawBlemish(draws)),
    backgroundShift: drawShift(draws),
  };
}

/** Moves the centroid by about 3 pixels in some direction but keeps the figure in the picture. */
function sloppyCentre(
  [x, y]: readonly [number, number],
  shape: Shape,
  area: number,
  draws: Draws,
): readonly [number, number] {
  const distance = Math.min(7, Math.abs(3.2 * draws.normal()));
  const angle = draws.uniform(0, 2 * Math.PI);
  return fitted([x + distance * Math.cos(angle), y + distance * Math.sin(angle)], shape, area);
}

/** The centroid nearest to the wanted one at which the whole figure is in the picture. */
function fitted(
  [x, y]: readonly [number, number],
  shape: Shape,
  area: number,
): readonly [number, number] {
  const { left, right, up, down } = unitShape(shape).reach;
  const scale = Math.sqrt(area);
  return [within(x, left * scale, right * scale), within(y, up * scale, down * scale)];
}

/** Keeps a centre as far from both edges as the figure reaches; the middle where it cannot fit. */
function within(position: number, before: number, after: number): number {
  const [low, high] = [before + 0.5, PICTURE_SIZE - 0.5 - after];
  return low > high ? (low + high) / 2 : Math.min(high, Math.max(low, position));
}

function drawPhases(draws: Draws): number[] {
  return [0, 1, 2].map(() => draws.uniform(0, 2 * Math.PI));
}

function drawBlemish(draws: Draws): Blemish {
  return {
    x: draws.uniform(1, PICTURE_SIZE - 1),
    y: draws.uniform(1, PICTURE_SIZE - 1),
    radius: draws.uniform(1, 1.9),
    colour: [draws.uniform(0, 255), draws.uniform(0, 255), draws.uniform(0, 255)],
  };
}

function drawShift(draws: Draws): Rgb {
  return [4 * draws.normal(), 4 * draws.normal(), 4 * draws.normal()];
}
