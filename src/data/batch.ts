/**
 * A batch as a model is shown it. B pairs, resolution R, L tokens; n = 2B pictures (winners, then losers), or B winners.
 * Upstream: train.py `preprocess_train`, `collate_fn`.
 */
import type { BatchDraws } from './batch-draws';
import type { RgbImage } from './image';
import { pixelValues } from './pixels';
import type { TrainingRow } from './rows';
import { type Placement, place } from './transforms';

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
  /** [B, L], and L. */
  readonly inputIds: Int32Array;
  readonly tokens: number;
  readonly pairs: readonly TrainingRow[];
}

/** `images`: resized; all `jpg_0`, then all `jpg_1`, or one a row. */
export function batchContent(
  pairs: readonly TrainingRow[],
  images: readonly RgbImage[],
  draws: BatchDraws,
  tokenizer: CaptionEncoder,
  resolution: number,
) {
  const squares = images.map((image, i) =>
    place(image, draws.placements[i] as Placement, resolution),
  );
  const winnersFirst = squares.length === pairs.length ? squares : byPreference(pairs, squares);
  const { inputIds, length } = tokenizer.encode([...draws.captions]);
  return {
    pixelValues: pixelValues(winnersFirst),
    pixelShape: [winnersFirst.length, resolution, resolution, 3] as const,
    inputIds,
    tokens: length,
    pairs,
    ...draws,
  };
}

/** From all `jpg_0` then all `jpg_1` to all winners then all losers. */
function byPreference(pairs: readonly TrainingRow[], squares: readonly RgbImage[]): RgbImage[] {
  const at = (isFirst: boolean, i: number) => squares[isFirst ? i : pairs.length + i] as RgbImage;
  return [
    ...pairs.map(({ winner }, i) => at(winner === 'jpg_0', i)),
    ...pairs.map(({ winner }, i) => at(winner !== 'jpg_0', i)),
  ];
}
