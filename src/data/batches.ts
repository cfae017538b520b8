/**
 * Batches of pixel values and token ids, with every random draw in the original's order: PyTorch's DataLoader draws
 * the epoch's order, then each batch is fetched as a whole: all `jpg_0` are placed, then all `jpg_1`, then one Python
 * `random()` per row decides whether its prompt is dropped. Upstream: train.py `preprocess_train`, `collate_fn`.
 *
 * B pairs, resolution R, L tokens; n = 2B pictures (winners, then losers), or B winners.
 */
import { type PythonRandom, shuffledOrder, type TorchGenerator } from '../random';
import type { RgbImage } from './image';
import { type PreferencePair, type PreferencePairs, pairPicture } from './pairs';
import type { PictureColumn } from './picture-files';
import { pixelValues } from './pixels';
import {
  drawPlacement,
  type Placement,
  type PlacementOptions,
  place,
  resizeShorterSide,
} from './transforms';

export interface BatchOptions extends PlacementOptions {
  /** Pairs in a batch, B. An incomplete last batch is dropped, as `drop_last` does. */
  readonly batchSize: number;
  /** Share of prompts replaced by the empty one. @default 0.2 */
  readonly proportionEmptyPrompts?: number;
  /** Both pictures of a pair (DPO), or the preferred one (SFT). @default 'both' */
  readonly pictures?: 'both' | 'winner';
  /** @default 'shuffled' */
  readonly order?: 'shuffled' | 'as stored';
  /** @default Infinity */
  readonly epochs?: number;
  /** What resized pictures may take in memory before they are decoded anew each time. @default 256 MiB */
  readonly cacheBytes?: number;
}

/** Where the numbers come from: PyTorch's default generator and Python's `random`. */
export interface BatchRandom {
  readonly torch: TorchGenerator;
  readonly python: PythonRandom;
}

/** The part of a tokenizer that is used: `inputIds` is [texts, length] in row-major order. */
export interface CaptionEncoder {
  encode(texts: string[]): { readonly inputIds: Int32Array; readonly length: number };
}

export interface Batch {
  readonly epoch: number;
  /** Within the epoch, from 0. */
  readonly index: number;
  readonly batchesPerEpoch: number;
  /** [n, R, R, 3] in [−1, 1]. */
  readonly pixelValues: Float32Array;
  readonly pixelShape: readonly [number, number, number, number];
  /** [B, L], and L. */
  readonly inputIds: Int32Array;
  readonly tokens: number;
  /** After prompt dropout. */
  readonly captions: readonly string[];
  readonly pairs: readonly PreferencePair[];
  /** In the order they were drawn: all `jpg_0`, then all `jpg_1` (or all winners). */
  readonly placements: readonly Placement[];
}

/**
 * Yields batches, always having fetched the one that follows within the epoch: a consumer that draws from the same
 * generators between batches then sees the original's order (accelerate's DataLoader looks one batch ahead).
 *
 * @throws RangeError if there are fewer pairs than one batch needs.
 * @throws PictureError that names the row, column and file of a picture that cannot be read.
 */
export async function* batches(
  data: PreferencePairs,
  tokenizer: CaptionEncoder,
  random: BatchRandom,
  options: BatchOptions,
): AsyncGenerator<Batch> {
  const { batchSize, order = 'shuffled', epochs = Infinity } = options;
  const batchesPerEpoch = Math.floor(data.pairs.length / batchSize);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchesPerEpoch < 1) {
    throw new RangeError(`${data.pairs.length} pairs do not fill a batch of ${batchSize}.`);
  }
  const resized = resizedPictures(data, options);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rows = epochOrder(random.torch, data.pairs.length, order);
    const fetchBatch = async (index: number): Promise<Batch> => {
      const ids = rows.subarray(index * batchSize, (index + 1) * batchSize);
      const pairs = Array.from(ids, (i) => data.pairs[i] as PreferencePair);
      return {
        epoch,
        index,
        batchesPerEpoch,
        ...(await fetchPairs(pairs, tokenizer, random, resized, options)),
      };
    };
    let ahead = await fetchBatch(0);
    for (let next = 1; next < batchesPerEpoch; next++) {
      const batch = ahead;
      ahead = await fetchBatch(next);
      yield batch;
    }
    yield ahead;
  }
}

function epochOrder(generator: TorchGenerator, n: number, order: 'shuffled' | 'as stored') {
  if (order === 'shuffled') return shuffledOrder(generator, n);
  generator.random64(); // a DataLoader draws its workers' base seed even where nobody shuffles
  return Int32Array.from({ length: n }, (_, i) => i);
}

type ResizedPicture = (pair: PreferencePair, column: PictureColumn) => Promise<RgbImage>;

/** Decodes and resizes, and remembers results until the budget is full: small data sets are decoded once. */
function resizedPictures(
  data: PreferencePairs,
  { resolution, cacheBytes = 256 * 2 ** 20 }: BatchOptions,
): ResizedPicture {
  const known = new Map<PreferencePair, Partial<Record<PictureColumn, RgbImage>>>();
  let room = cacheBytes;
  return async (pair, column) => {
    const found = known.get(pair)?.[column];
    if (found) return found;
    const image = resizeShorterSide(await pairPicture(data, pair, column), resolution);
    if (image.data.length <= room) {
      room -= image.data.length;
      known.set(pair, { ...known.get(pair), [column]: image });
    }
    return image;
  };
}

/** All draws of one batch. Pictures are read first, all at once, since reading draws nothing. */
async function fetchPairs(
  pairs: readonly PreferencePair[],
  tokenizer: CaptionEncoder,
  { torch, python }: BatchRandom,
  resized: ResizedPicture,
  options: BatchOptions,
) {
  const { resolution, pictures = 'both', proportionEmptyPrompts = 0.2 } = options;
  const wanted: readonly (readonly [PreferencePair, PictureColumn])[] =
    pictures === 'winner'
      ? pairs.map((pair) => [pair, pair.winner] as const)
      : (['jpg_0', 'jpg_1'] as const).flatMap((c) => pairs.map((pair) => [pair, c] as const));
  const images = await Promise.all(wanted.map(([pair, column]) => resized(pair, column)));

  const placements = images.map((image) => drawPlacement(image, torch, options));
  const squares = images.map((image, i) => place(image, placements[i] as Placement, resolution));
  const captions = pairs.map((p) => (python.random() < proportionEmptyPrompts ? '' : p.caption));

  const winnersFirst = pictures === 'winner' ? squares : byPreference(pairs, squares);
  const { inputIds, length } = tokenizer.encode(captions);
  return {
    pixelValues: pixelValues(winnersFirst),
    pixelShape: [winnersFirst.length, resolution, resolution, 3] as const,
    inputIds,
    tokens: length,
    captions,
    pairs,
    placements,
  };
}

/** From all `jpg_0` then all `jpg_1` to all winners then all losers. */
function byPreference(pairs: readonly PreferencePair[], squares: readonly RgbImage[]): RgbImage[] {
  const at = (column: PictureColumn, i: number) =>
    squares[column === 'jpg_0' ? i : pairs.length + i] as RgbImage;
  return [
    ...pairs.map(({ winner }, i) => at(winner, i)),
    ...pairs.map(({ loser }, i) => at(loser, i)),
  ];
}
