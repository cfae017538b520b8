/** Draws all preference pairs, a file per chunk, so that an interruption costs one chunk. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type PreferenceRow, readPreferenceRows } from '../../data/pickapic';
import { writePreferencePairs } from '../../data/pickapic-writer';
import { disposePipeline } from '../../hub';
import { drawPairChunk, PAIRS_PER_CHUNK, type PairDrawing } from './pairs';
import { RECIPE } from './recipe';
import { loadBase, type MakingRecord } from './stages';

const SPLITS = Object.values(RECIPE.pairs);
const chunkCount = ({ count }: PairDrawing) => Math.ceil(count / PAIRS_PER_CHUNK);
const chunkPath = (workshop: string, { split }: PairDrawing, chunk: number) =>
  join(workshop, 'pairs', `${split}-${String(chunk).padStart(4, '0')}.parquet`);

/** Leaves `pairs/<split>-<chunk>.parquet`. */
export async function* pairStage(workshop: string): AsyncGenerator<MakingRecord> {
  const wanted = SPLITS.flatMap((drawing) =>
    Array.from({ length: chunkCount(drawing) }, (_, chunk) => ({
      drawing,
      chunk,
      path: chunkPath(workshop, drawing, chunk),
    })),
  );
  const missing = wanted.filter(({ path }) => !existsSync(path));
  if (missing.length === 0) return;
  const base = await loadBase(workshop);
  let done = wanted.length - missing.length;
  for (const { drawing, chunk, path } of missing) {
    if (!existsSync(path)) writePreferencePairs(path, await drawPairChunk(base, drawing, chunk));
    yield { stage: 'pairs', unit: 'chunk', done: ++done, total: wanted.length, figures: {} };
  }
  disposePipeline(base);
}

/** All pairs of one split in their order. */
export async function drawnPairs(
  workshop: string,
  split: PairDrawing['split'],
): Promise<PreferenceRow[]> {
  const drawing = RECIPE.pairs[split];
  const rows: PreferenceRow[] = [];
  for (let chunk = 0; chunk < chunkCount(drawing); chunk++)
    for await (const row of readPreferenceRows(chunkPath(workshop, drawing, chunk))) rows.push(row);
  return rows;
}
