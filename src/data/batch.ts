/**
 * A batch as a model is shown it. B pairs, resolution R, L tokens; n = 2B pictures (winners, then losers), or B winners.
 * Upstream: train.py `preprocess_train`, `collate_fn`.
 */
import type { BatchDraws } from './batch-draws';
import { pixelValues } from './pixels';
import type { TrainingRow } from './rows';
import {
  type PictureSizes,
  type Placement,
  place,
  placedSizes,
  type ResizedPicture,
} from './transforms';

/** The part of a tokenizer that is used: `inputIds` is [texts, length] in row-major order. */
export interface CaptionEncoder {
  encode(texts: string[]): { readonly inputIds: Int32Array; readonly length: number };
}

export interface Batch extends BatchDraws {
  readonly epoch: number;
  /** Within the epoch, from 0. */
  readonly index: number;
  readonly batchesPerEpoch: number;
  readonly isLastOfEpoch: boolean;
  /** [n, R, R, 3] in [−1, 1]. */
  readonly pixelValues: Float32Array;
  readonly pixelShape: readonly [number, number, number, number];
  /** Of each of those pictures. */
  readonly sizes: readonly PictureSizes[];
  /** [B, L], and L. */
  readonly inputIds: Int32Array;
  readonly tokens: number;
  readonly pairs: readonly TrainingRow[];
}

/** `images`: resized; all `jpg_0`, then all `jpg_1`, or one a row. */
export function batchContent(
  pairs: readonly TrainingRow[],
  images: readonly ResizedPicture[],
  draws: BatchDraws,
  tokenizer: CaptionEncoder,
  resolution: number,
) {
  const placed = images.map((image, i) => {
    const placement = draws.placements[i] as Placement;
    const square = place(image, placement, resolution);
    return { square, sizes: placedSizes(image, placement, resolution) };
  });
  const winnersFirst = placed.length === pairs.length ? placed : byPreference(pairs, placed);
  const { inputIds, length } = tokenizer.encode([...draws.captions]);
  return {
    pixelValues: pixelValues(winnersFirst.map(({ square }) => square)),
    pixelShape: [winnersFirst.length, resolution, resolution, 3] as const,
    sizes: winnersFirst.map(({ sizes }) => sizes),
    inputIds,
    tokens: length,
    pairs,
    ...draws,
  };
}

/** From all `jpg_0` then all `jpg_1` to all winners then all losers. */
function byPreference<T>(pairs: readonly TrainingRow[], each: readonly T[]): T[] {
  const at = (isFirst: boolean, i: number) => each[isFirst ? i : pairs.length + i] as T;
  return [
    ...pairs.map(({ winner }, i) => at(winner === 'jpg_0', i)),
    ...pairs.map(({ winner }, i) => at(winner !== 'jpg_0', i)),
  ];
}
