/** The whole making, and how what was made compares with what is committed. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../hub/json-file';
import type { Figures } from './measure';
import { hashes, packageStage } from './package';
import { pairStage } from './pair-stage';
import type { Making } from './recipe';
import { scorerStage } from './scorer-stage';
import { baseStage, type MakingRecord, vaeStage } from './stages';

/** Runs every stage whose result is not in the workshop yet; leaves `<workshop>/data`. */
export async function* makeWorld(making: Making): AsyncGenerator<MakingRecord> {
  for (const stage of [vaeStage, baseStage, pairStage, scorerStage, packageStage])
    yield* stage(making);
}

/** One figure of two worlds. */
export interface FigureComparison {
  readonly name: string;
  readonly made: number | undefined;
  readonly committed: number | undefined;
}

/** What was made beside what is committed: figures, and how many files are the same to the byte. */
export async function compareWorlds(made: string, committed: string) {
  const [a, b] = [await figuresOf(made), await figuresOf(committed)];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const figures: FigureComparison[] = names.map((name) => ({
    name,
    made: a[name],
    committed: b[name],
  }));
  const known = new Map(hashes(committed).map(({ name, sha256 }) => [name, sha256]));
  const files = hashes(made);
  const same = files.filter(({ name, sha256 }) => known.get(name) === sha256).length;
  return { figures, sameFiles: same, files: files.length };
}

async function figuresOf(folder: string): Promise<Figures> {
  const path = join(folder, 'figures.json');
  const figures = existsSync(path) ? ((await readJson(path)).figures as object) : {};
  // JSON has no NaN: what could not be measured, as an agreement over no decided pair, is null.
  return Object.fromEntries(Object.entries(figures).filter(([, x]) => x !== null));
}
