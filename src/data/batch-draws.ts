/** Every random draw of one batch, in the original's order. Upstream: train.py `preprocess_train`. */
import type { PythonRandom, TorchGenerator } from '../random';
import type { RgbImage } from './image';
import type { TrainingRow } from './rows';
import { drawPlacement, type Placement, type PlacementOptions } from './transforms';

/** Where the numbers come from: PyTorch's default generator and Python's `random`. */
export interface BatchRandom {
  readonly torch: TorchGenerator;
  readonly python: PythonRandom;
}

export interface DrawOptions extends PlacementOptions {
  /** Share of prompts replaced by the empty one. @default 0.2 */
  readonly proportionEmptyPrompts?: number;
  /**
   * `shared`: both pictures of a pair are cut and mirrored alike. What is drawn for `jpg_1` is drawn all the same and
   * not used, so that everything else stays as it is. @default 'independent', as in the original
   */
  readonly pairedAugmentation?: 'independent' | 'shared';
}

/** What was drawn for one batch; plain JSON. */
export interface BatchDraws {
  /** In the order they were drawn: all `jpg_0`, then all `jpg_1` (or all winners). */
  readonly placements: readonly Placement[];
  /** One of each row's captions, or none. */
  readonly captions: readonly string[];
}

/**
 * Draws where each picture is cut, then which captions stay. `images`: of B rows, resized; all `jpg_0`, then all
 * `jpg_1`, or one a row.
 */
export function drawBatch(
  rows: readonly TrainingRow[],
  images: readonly RgbImage[],
  { torch, python }: BatchRandom,
  options: DrawOptions,
): BatchDraws {
  const { proportionEmptyPrompts = 0.2, pairedAugmentation = 'independent' } = options;
  const placements = images.map((image) => drawPlacement(image, torch, options));
  const captions = rows.map(({ caption }) => {
    if (python.random() < proportionEmptyPrompts) return '';
    return typeof caption === 'string' ? caption : python.choice(caption);
  });
  if (pairedAugmentation === 'independent' || images.length === rows.length) {
    return { placements, captions };
  }
  const B = rows.length;
  const shared = placements.map((own, i) =>
    i < B ? own : likeFirst(placements[i - B] as Placement, images[i - B], images[i], options),
  );
  return { placements: shared, captions };
}

/** The first picture's placement in the second: at the same pixel where sizes agree, else at the same share of the room. */
function likeFirst(
  { left, top, flipped }: Placement,
  first: RgbImage | undefined,
  second: RgbImage | undefined,
  { resolution }: PlacementOptions,
): Placement {
  const moved = (at: number, sideOfFirst = resolution, sideOfSecond = resolution) => {
    const [from, to] = [sideOfFirst - resolution, sideOfSecond - resolution];
    return Math.round(from === 0 ? to / 2 : (at * to) / from);
  };
  return {
    left: moved(left, first?.width, second?.width),
    top: moved(top, first?.height, second?.height),
    flipped,
  };
}
