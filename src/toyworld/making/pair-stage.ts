/** Draws all preference pairs, a file per chunk, so that an interruption costs one chunk. */

import { existsSync } from 'node:fs';
import { type PreferenceRow, readPreferenceRows } from '../../data/pickapic';
import { writePreferencePairs } from '../../data/pickapic-writer';
import { disposePipeline } from '../../hub';
import { drawPairChunk, PAIRS_PER_CHUNK, type PairDrawing } from './pairs';
import { type Making, resultOf } from './recipe';
import { loadBase, type MakingRecord } from './stages';

const chunkCount = ({ count }: PairDrawing) => Math.ceil(count / PAIRS_PER_CHUNK);
const chunkPath = (making: Making, { split }: PairDrawing, chunk: number) =>
  resultOf(making, 'pairs', `${split}-${String(chunk).padStart(4, '0')}.parquet`);

/** Leaves `pairs/<split>-<chunk>.parquet`. */
export async function* pairStage(making: Making): AsyncGenerator<MakingRecord> {
  const wanted = Object.values(making.recipe.pairs).flatMap((drawing) =>
    Array.from({ length: chunkCount(drawing) }, (_, chunk) => ({
      drawing,
      chunk,
      path: chunkPath(making, drawing, chunk),
    })),
  );
  const missing = wanted.filter(({ path }) => !existsSync(path));
  if (missing.length === 0) return;
  const base = await loadBase(making);
  let done = wanted.length - missing.length;
  for (const { drawing, chunk, path } of missing) {
    if (!existsSync(path)) writePreferencePairs(path, await drawPairChunk(base, drawing, chunk));
    yield { stage: 'pairs', unit: 'chunk', done: ++done, total: wanted.length, figures: {} };
  }
  disposePipeline(base);
}

/** All pairs of one split in their order. */
export async function drawnPairs(
  making: Making,
  split: PairDrawing['split'],
): Promise<PreferenceRow[]> {
  const drawing = making.recipe.pairs[split];
  const rows: PreferenceRow[] = [];
  for (let chunk = 0; chunk < chunkCount(drawing); chunk++)
    for await (const row of readPreferenceRows(chunkPath(making, drawing, chunk))) rows.push(row);
  return rows;
}
