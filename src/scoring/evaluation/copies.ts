/** Pictures that a model drew and that stand in its training data already. */
import { openPairs, pairPicture } from '../../data';
import { hashDistance } from './picture-look';
import type { Copies } from './result';
import { type Seen, seenIn } from './score-pictures';

/** Difference hashes that differ in no more of their 64 bits count as one picture. */
const NEAR = 2;

/** Both pictures of every pair, as they are seen. */
export async function trainingPictures(
  source: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Seen[]> {
  const data = await openPairs(source, { split: 'train' });
  const seen: Seen[] = [];
  for (const pair of data.pairs) {
    signal?.throwIfAborted();
    for (const column of [pair.winner, pair.loser])
      seen.push(seenIn(await pairPicture(data, pair, column)));
  }
  return seen;
}

/** How many of the drawn pictures are copies. */
export function copiesAmong(drawn: readonly Seen[], training: readonly Seen[]): Copies {
  const pixels = new Set(training.map((picture) => picture.pixels));
  const hashes = [...new Set(training.map((picture) => picture.differenceHash))];
  const isNear = ({ differenceHash }: Seen) =>
    hashes.some((hash) => hashDistance(hash, differenceHash) <= NEAR);
  return {
    trainingPictures: training.length,
    exact: drawn.filter((picture) => pixels.has(picture.pixels)).length,
    near: drawn.filter(isNear).length,
    distance: NEAR,
  };
}
