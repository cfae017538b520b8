/** Mirrored and reworded pairs: what is preferred stays preferred, so one label teaches more than once. */

import type { RgbImage } from '../../data/image';
import { drawCaption, readCaption } from '../captions';
import type { Draws } from '../draws';
import type { Meaning, Place } from '../scenes';
import type { Shape } from '../shapes';
import type { ScoredPair } from './scorer-batch';

/** 'horizontal' swaps left and right, 'vertical' top and bottom, 'diagonal' left and top. */
export type Mirror = 'horizontal' | 'vertical' | 'diagonal';

/** Where each place goes; the others stay. */
const PLACES: Readonly<Record<Mirror, Partial<Record<Place, Place>>>> = {
  horizontal: { left: 'right', right: 'left' },
  vertical: { top: 'bottom', bottom: 'top' },
  diagonal: { left: 'top', top: 'left', right: 'bottom', bottom: 'right' },
};

/** Shapes that a mirror turns into something that is never drawn. */
const ONE_WAY: Readonly<Record<Mirror, readonly Shape[]>> = {
  horizontal: ['crescent'],
  vertical: ['triangle', 'star'],
  diagonal: ['triangle', 'star', 'crescent', 'bar'],
};

const MIRRORS = Object.keys(ONE_WAY) as readonly Mirror[];

/** The mirrors that leave a drawing of `shape` a drawing of `shape`, each in by chance. */
export const drawMirrors = ({ shape }: Pick<Meaning, 'shape'>, draws: Draws): Mirror[] =>
  MIRRORS.filter((mirror) => draws.chance(0.5) && !ONE_WAY[mirror].includes(shape));

/** The pair mirrored by chance wherever its shape allows that, its caption said in another way. */
export function variedPair({ caption, images, ...pair }: ScoredPair, draws: Draws): ScoredPair {
  const meaning = readCaption(caption);
  const mirrors = drawMirrors(meaning, draws);
  const turn = (image: RgbImage) => mirrors.reduce(mirroredImage, image);
  return {
    ...pair,
    caption: drawCaption(mirrors.reduce(mirroredMeaning, meaning), draws),
    images: [turn(images[0]), turn(images[1])],
  };
}

/** What a mirrored picture of `meaning` means. */
export function mirroredMeaning(meaning: Meaning, mirror: Mirror): Meaning {
  return { ...meaning, place: PLACES[mirror][meaning.place] ?? meaning.place };
}

/** The picture in a mirror; 'diagonal' keeps the corners at the upper left and the lower right. */
export function mirroredImage({ width, height, data }: RgbImage, mirror: Mirror): RgbImage {
  const turned = new Uint8Array(data.length);
  const source = {
    horizontal: (x: number, y: number) => y * width + width - 1 - x,
    vertical: (x: number, y: number) => (height - 1 - y) * width + x,
    diagonal: (x: number, y: number) => x * width + y,
  }[mirror];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 3 * source(x, y);
      const to = 3 * (y * width + x);
      for (let channel = 0; channel < 3; channel++)
        turned[to + channel] = data[from + channel] ?? 0;
    }
  return { width, height, data: turned };
}
