/**
 * Our side of `npm run bench`: sets up the case of its argument, says what it runs on, then runs the case once for each
 * line of its input and answers with the milliseconds.
 */
import { createInterface } from 'node:readline';
import { engineInfo } from '../../engine';
import type { Assignment } from './peer';
import { prepare, setUp } from './works';

const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function main({ work, precision, folder, task }: Assignment): Promise<void> {
  if (task === 'prepare') {
    answer(work.kind === 'matrix-product' ? {} : await prepare(work, folder));
    return;
  }
  const run = setUp(work, precision, folder);
  answer(engineInfo());
  for await (const _line of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const cleanUp = await run();
    const ms = performance.now() - start;
    cleanUp?.();
    answer({ ms });
  }
}

main(JSON.parse(process.argv[2] ?? '{}')).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
