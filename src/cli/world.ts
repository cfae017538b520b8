/** `npm run world`: makes the embedded world from nothing, in a folder of its own, and compares it with `data/`. */
import { resolve } from 'node:path';
import { formatNumber } from '../show/text';
import type { FigureComparison } from '../toyworld/making/make-world';
import { ProgressLine } from './progress-line';
import { openWorkshop, worldArgs } from './world-args';

async function main(): Promise<void> {
  const { scale, output: workshop } = worldArgs(process.argv.slice(2));
  openWorkshop(workshop, scale);
  // Not earlier: TensorFlow takes a second to load.
  const { compareWorlds, makeWorld } = await import('../toyworld/making/make-world');
  const { makingIn } = await import('../toyworld/making/recipe');
  const { WORLD_FOLDER } = await import('../toyworld/world');
  let line: { readonly stage: string; readonly before: number; readonly progress: ProgressLine };
  line = { stage: '', before: 0, progress: new ProgressLine('', '') };
  for await (const { stage, unit, done, total } of makeWorld(makingIn(workshop, scale))) {
    // What an interrupted run had done says nothing about the rate of this one.
    if (line.stage !== stage)
      line = { stage, before: done - 1, progress: new ProgressLine(stage, unit) };
    line.progress.update(done - line.before, total - line.before);
  }
  const made = resolve(workshop, 'data');
  const { figures, sameFiles, files } = await compareWorlds(made, WORLD_FOLDER);
  console.log(table(figures));
  console.log(`${sameFiles} of ${files} files are the same as in ${WORLD_FOLDER} to the byte.`);
  const what = scale === 1 ? '; copy it over data/ to make it the new one' : `, at scale ${scale}`;
  console.log(`The world that was made lies in ${made}${what}.`);
}

function table(figures: readonly FigureComparison[]): string {
  const cell = (x: number | undefined) => (x === undefined ? '–' : formatNumber(x, 3)).padStart(10);
  const rows = figures.map(
    ({ name, made, committed }) => `${name.padEnd(26)}${cell(made)}${cell(committed)}`,
  );
  return [`${'figure'.padEnd(26)}${'made'.padStart(10)}${'committed'.padStart(10)}`, ...rows].join(
    '\n',
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof RangeError ? error.message : error);
  process.exitCode = 1;
});
