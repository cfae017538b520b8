/** Puts the finished parts into one folder laid out like `data/`, measures them, and writes the data card. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { writePreferencePairs } from '../../data/pickapic-writer';
import { writeFolderAtomically, writeTextAtomically } from '../../hub/atomic';
import { writeJson } from '../../hub/json-file';
import { dataCard } from './data-card';
import { type Figures, heldoutPrompts, measureBase, measurePairs, measureScorer } from './measure';
import { drawnPairs } from './pair-stage';
import { type Making, resultOf } from './recipe';
import type { MakingRecord } from './stages';

/** Leaves `data/` in the workshop. */
export async function* packageStage(making: Making): AsyncGenerator<MakingRecord> {
  const path = resultOf(making, 'data');
  if (existsSync(path)) return;
  const train = await drawnPairs(making, 'train');
  const heldout = await drawnPairs(making, 'heldout');
  const { recipe } = making;
  const prompts = heldoutPrompts(recipe);
  await writeFolderAtomically(path, async (folder) => {
    await cp(resultOf(making, 'base'), join(folder, 'base'), { recursive: true });
    await cp(resultOf(making, 'scorer'), join(folder, 'scorer'), { recursive: true });
    await mkdir(join(folder, 'prompts'));
    await writeJson(join(folder, 'prompts', 'heldout.json'), prompts);
    for (const [split, rows] of Object.entries({ train, heldout }))
      writePreferencePairs(join(folder, 'pairs', `${split}-00000-of-00001.parquet`), rows);
    const figures: Figures = {
      ...(await measureBase(folder, prompts.slice(0, recipe.prompts.measured))),
      ...(await measurePairs('train', train)),
      ...(await measurePairs('heldout', heldout)),
      ...(await measureScorer(folder, heldout)),
    };
    await writeJson(join(folder, 'figures.json'), { recipe, figures });
    await writeTextAtomically(join(folder, 'README.md'), dataCard(recipe, figures, hashes(folder)));
  });
  yield { stage: 'package', unit: 'file', done: 1, total: 1, figures: {} };
}

/** Size and SHA-256 of a file of the world. */
export interface FileFacts {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** All files of a folder but the data card itself, by name. */
export function hashes(folder: string): FileFacts[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      name: relative(folder, path),
      bytes: statSync(path).size,
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    }));
}
