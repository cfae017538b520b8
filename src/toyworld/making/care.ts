/** Pairs of drawings of which one was drawn with more care: what the scorer sees before any label. */

import { drawCaption } from '../captions';
import type { Draws } from '../draws';
import { render } from '../render';
import { COLOUR_NAMES, cleanScene, drawMeaning, type Scene, sloppyScene } from '../scenes';
import { SHAPES } from '../shapes';
import type { ScoredPair } from './scorer';

/** A sloppy drawing beside one of the same meaning with some of its faults put right, in either order. */
export function carePair(draws: Draws): ScoredPair {
  const meaning = drawMeaning(draws, 'train');
  const drawn = sloppyScene(meaning, draws);
  const sloppy: Scene = {
    ...drawn,
    colour: draws.chance(0.3) ? draws.pick(COLOUR_NAMES) : drawn.colour,
    drift: { shape: draws.pick(SHAPES), share: draws.chance(0.7) ? draws.uniform() : 0 },
  };
  const careful = improved(sloppy, draws);
  const caption = drawCaption(meaning, draws);
  return draws.chance(0.5)
    ? { caption, images: [render(careful), render(sloppy)], label0: 1 }
    : { caption, images: [render(sloppy), render(careful)], label0: 0 };
}

/** Each fault is put right, wholly or in part, or left as it is. */
function improved(scene: Scene, draws: Draws): Scene {
  const clean = cleanScene(scene.meaning);
  const share = () => (draws.chance(0.5) ? draws.uniform() : 0);
  const between = (from: number, to: number, part: number) => from + part * (to - from);
  const [placed, faded, ragged, drifted] = [share(), share(), share(), share()];
  return {
    ...scene,
    colour: draws.chance(0.8) ? clean.colour : scene.colour,
    shape: draws.chance(0.8) ? clean.shape : scene.shape,
    background: clean.background,
    area: between(scene.area, clean.area, share()),
    centre: [
      between(scene.centre[0], clean.centre[0], placed),
      between(scene.centre[1], clean.centre[1], placed),
    ],
    vividness: between(scene.vividness, 1, faded),
    ...(scene.drift ? { drift: { ...scene.drift, share: scene.drift.share * (1 - drifted) } } : {}),
    wobble: { ...scene.wobble, amplitude: between(scene.wobble.amplitude, 0, ragged) },
    blemishes: scene.blemishes.filter(() => draws.chance(0.5)),
  };
}
