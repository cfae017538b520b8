/** Pictures in a grid, and the same prompts drawn by several models side by side. */
import type { RgbImage } from '../data/image';
import { type CardOptions, cardGrid, type PictureGrid } from './cards';

export interface ImageGridOptions extends CardOptions {
  /** One for each picture. */
  readonly captions?: readonly string[];
}

/** Pictures in rows, in the order given. */
export function imageGrid(
  images: readonly RgbImage[],
  { captions = [], ...options }: ImageGridOptions = {},
): PictureGrid {
  const cards = images.map((image, i) => ({ pictures: [{ image }], caption: captions[i] }));
  return cardGrid(cards, { columns: 8, ...options });
}

/**
 * One card for each caption: what every model drew for it, under the model's name.
 * `models` is `{ base: images, DPO: images }`, in the order shown; the i-th pictures belong together.
 *
 * @throws RangeError when the models drew different numbers of pictures.
 */
export function sideBySide(
  models: { readonly [name: string]: readonly RgbImage[] },
  { captions = [], ...options }: ImageGridOptions = {},
): PictureGrid {
  const drawn = Object.entries(models);
  const counts = new Set(drawn.map(([, images]) => images.length));
  if (counts.size !== 1) {
    const each = drawn.map(([name, images]) => `${name} ${images.length}`).join(', ');
    throw new RangeError(`Side by side needs equally many pictures of each; these are ${each}.`);
  }
  const [, first = []] = drawn[0] ?? [];
  const cards = first.map((_, i) => ({
    caption: captions[i],
    pictures: drawn.flatMap(([label, images]) => {
      const image = images[i];
      return image === undefined ? [] : [{ image, label }];
    }),
  }));
  return cardGrid(cards, { columns: 3, ...options });
}
