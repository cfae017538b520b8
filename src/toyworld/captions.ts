/** Captions: how a meaning is said, and what a caption means. */

import type { Draws } from './draws';
import {
  BACKGROUND_NAMES,
  type Background,
  COLOUR_NAMES,
  type Colour,
  type Meaning,
  PLACE_NAMES,
  type Place,
  type Size,
} from './scenes';
import { SHAPES, type Shape } from './shapes';

/** The ways to say each thing; the first is the usual one. */
const SAID = {
  colour: sayings(COLOUR_NAMES, { cyan: ['turquoise'], purple: ['violet'] }),
  shape: sayings(SHAPES, { ring: ['hoop'], cross: ['plus'], crescent: ['moon'], bar: ['stripe'] }),
  background: sayings(BACKGROUND_NAMES, { gray: ['grey'] }),
  size: { small: ['small', 'tiny', 'little'], medium: [''], large: ['large', 'big', 'huge'] },
} as const satisfies {
  colour: Record<Colour, readonly string[]>;
  shape: Record<Shape, readonly string[]>;
  background: Record<Background, readonly string[]>;
  size: Record<Size, readonly string[]>;
};

const CENTRE_PHRASES = ['', '', '', 'in the centre', 'in the middle'];
const SIDE_PHRASES = ['at the {}', 'near the {} edge', 'in the {} part'];
const MEDIA = ['picture', 'drawing', 'painting', 'image', 'sticker', 'icon', 'sketch'];
const GROUNDS = [
  'on a {} background',
  'on a plain {} background',
  'against a {} backdrop',
  'against a {} wall',
  'over a {} ground',
  'in front of a {} wall',
];

/** Tokens of the longest caption: its words and the two end marks. */
export const LONGEST_CAPTION = 19;

function sayings<K extends string>(names: readonly K[], others: Partial<Record<K, string[]>>) {
  const said = {} as Record<K, readonly string[]>;
  for (const name of names) said[name] = [name, ...(others[name] ?? [])];
  return said;
}

const withArticle = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
const fill = (phrase: string, word: string) => phrase.replace('{}', word);
const spaced = (parts: readonly string[]) => parts.filter(Boolean).join(' ');

/** The shortest usual caption of a meaning. */
export function captionOf(meaning: Meaning): string {
  return compose(meaning, (ways) => ways[0] ?? '', '');
}

/** A random caption of a meaning: half begin with a medium ("a drawing of"), a few use synonyms. */
export function drawCaption(meaning: Meaning, draws: Draws): string {
  const medium = draws.chance(0.5) ? `${withArticle(draws.pick(MEDIA))} of` : '';
  return compose(meaning, (ways) => draws.pick(ways), medium);
}

function compose(
  meaning: Meaning,
  choose: (ways: readonly string[]) => string,
  medium: string,
): string {
  const { colour, shape, background, size, place } = meaning;
  const noun = spaced([
    choose(SAID.size[size]),
    choose(SAID.colour[colour]),
    choose(SAID.shape[shape]),
  ]);
  const where = place === 'centre' ? choose(CENTRE_PHRASES) : fill(choose(SIDE_PHRASES), place);
  const ground = fill(choose(GROUNDS), choose(SAID.background[background]));
  return spaced([medium, withArticle(noun), where, ground]);
}

/** Every word a caption can contain, each once, in a fixed order. */
export function captionWords(): readonly string[] {
  const phrases = [...MEDIA, ...CENTRE_PHRASES, ...SIDE_PHRASES, ...GROUNDS].map((p) =>
    fill(p, ''),
  );
  const named = Object.values(SAID).flatMap((ways) => Object.values(ways).flat());
  const sides = PLACE_NAMES.filter((place) => place !== 'centre');
  const words = ['a', 'an', 'of', ...named, ...sides, ...phrases.flatMap((p) => p.split(' '))];
  return [...new Set(words)].filter(Boolean);
}

const KNOWN_WORDS = new Set(captionWords());

/** What a caption means. Throws `RangeError` for an unknown word or a missing attribute. */
export function readCaption(caption: string): Meaning {
  const words = caption.trim().toLowerCase().split(/\s+/);
  const unknown = words.find((word) => !KNOWN_WORDS.has(word));
  if (unknown !== undefined)
    throw new RangeError(`The world has no word "${unknown}" (caption "${caption}").`);
  return {
    colour: required('colour', find(SAID.colour, words), caption),
    shape: required('shape', find(SAID.shape, words), caption),
    background: required('background', find(SAID.background, words), caption),
    size: find(SAID.size, words) ?? 'medium',
    place: PLACE_NAMES.find((place: Place) => words.includes(place)) ?? 'centre',
  };
}

function find<K extends string>(
  ways: Record<K, readonly string[]>,
  words: readonly string[],
): K | undefined {
  const names = Object.keys(ways) as K[];
  return names.find((name) => ways[name].some((way) => words.includes(way)));
}

function required<T>(what: string, value: T | undefined, caption: string): T {
  if (value === undefined) throw new RangeError(`The caption "${caption}" names no ${what}.`);
  return value;
}
