/** Mirrored pictures with captions to match: more pairs from the same labels. */

import type { RgbImage } from '../../data/image';
import { readCaption } from '../captions';
import type { Draws } from '../draws';
import type { Shape } from '../shapes';
import type { ScoredPair } from './scorer';

/** 'horizontal' swaps left and right, 'vertical' top and bottom. */
export type Mirror = 'horizontal' | 'vertical';

const SIDES: Readonly<Record<Mirror, readonly [string, string]>> = {
  horizontal: ['left', 'right'],
  vertical: ['top', 'bottom'],
};

/** Shapes that a mirror turns into something that is never drawn. */
const ONE_WAY: Readonly<Record<Mirror, readonly Shape[]>> = {
  horizontal: ['crescent'],
  vertical: ['triangle', 'star'],
};

/** The pair as it is, or mirrored in each direction by chance, where its shape allows that. */
export function mirroredByChance(pair: ScoredPair, draws: Draws): ScoredPair {
  const { shape } = readCaption(pair.caption);
  const mirrors = (['horizontal', 'vertical'] as const).filter(
    (mirror) => draws.chance(0.5) && !ONE_WAY[mirror].includes(shape),
  );
  return mirrors.reduce(mirrored, pair);
}

/** The pair in a mirror: both pictures turned, the sides in the caption swapped. */
export function mirrored(pair: ScoredPair, mirror: Mirror): ScoredPair {
  const [a, b] = SIDES[mirror];
  const swapped = pair.caption
    .split(' ')
    .map((word) => (word === a ? b : word === b ? a : word))
    .join(' ');
  const [first, second] = pair.images;
  return { ...pair, caption: swapped, images: [turn(first, mirror), turn(second, mirror)] };
}

function turn({ width, height, data }: RgbImage, mirror: Mirror): RgbImage {
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = mirror === 'horizontal' ? [width - 1 - x, y] : [x, height - 1 - y];
      const from = 3 * (fromY * width + fromX);
      turned.set(data.subarray(from, from + 3), 3 * (y * width + x));
    }
  return { width, height, data: turned };
}
