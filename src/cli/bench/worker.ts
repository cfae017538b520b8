/** Our side of `npm run bench`: reads the name of a case from each line, runs it once, answers with the milliseconds. */
import { createInterface } from 'node:readline';
import { engineInfo } from '../../engine';
import { setUpCase } from './cases';
import type { BenchCase } from './names';

const ready = new Map<BenchCase, () => void>();
const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

answer(engineInfo());
createInterface({ input: process.stdin }).on('line', (line) => {
  const name = line.trim() as BenchCase;
  const run = ready.get(name) ?? setUpCase(name);
  ready.set(name, run);
  const start = performance.now();
  run();
  answer({ ms: performance.now() - start });
});
