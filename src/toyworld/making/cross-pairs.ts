/** More pairs for the scorer: training pictures beside those of another caption, labelled as all pairs are. */

import type { RgbImage } from '../../data/image';
import { readCaption } from '../captions';
import type { Draws } from '../draws';
import { judgeSeen, perceive, utility } from '../judge';
import { drawLabel } from '../labels';
import type { Meaning } from '../scenes';
import type { ScoredPair } from './scorer-batch';

/** What the captions of a pair share, so that one of its pictures is wrong in few respects. */
const SHARED = [
  ['shape', 'background'],
  ['colour', 'background'],
  ['colour', 'shape'],
  ['colour'],
  ['shape'],
] as const satisfies readonly (readonly (keyof Meaning)[])[];

type Shared = (typeof SHARED)[number];

const key = (meaning: Meaning, shared: Shared) =>
  shared.map((attribute) => `${attribute} ${meaning[attribute]}`).join();

/**
 * A function that draws a caption of `pairs`, a picture made for it, and one made for a caption that shares one or two
 * attributes with it, in either order. Two pictures of one caption are seldom wrong in the same respect and right in
 * another; these are.
 */
export function crossPairs(pairs: readonly ScoredPair[]): (draws: Draws) => ScoredPair {
  const pictures = pairs.flatMap(({ caption, images }) => {
    const meaning = readCaption(caption);
    return images.map((image: RgbImage) => ({ caption, meaning, image, seen: perceive(image) }));
  });
  type Picture = (typeof pictures)[number];
  const alike = new Map<string, Picture[]>();
  for (const picture of pictures)
    for (const shared of SHARED) {
      const name = key(picture.meaning, shared);
      const group = alike.get(name) ?? [];
      group.push(picture);
      alike.set(name, group);
    }
  return (draws) => {
    const own = draws.pick(pictures);
    const other = draws.pick(alike.get(key(own.meaning, draws.pick(SHARED))) ?? [own]);
    const [first, second] = draws.chance(0.5) ? [own, other] : [other, own];
    const worth = ({ seen }: Picture) => utility(judgeSeen(seen, own.meaning));
    return {
      caption: own.caption,
      images: [first.image, second.image],
      label0: drawLabel(worth(first), worth(second), draws),
    };
  };
}
