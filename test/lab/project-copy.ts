/** A copy of what `npm run lab` needs, in which sources may be edited and settings kept: the real ones stay untouched. */
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(__dirname, '..', '..');

/** Edited, or written into; what the kernel remembers of the sources is as good in the copy. */
const COPIED = [
  ...['package.json', 'tsconfig.json', 'src', 'notebooks'],
  ...['kernels/typescript', '.cache/kernel'],
];
/** Large, and only read. */
const LINKED = ['node_modules', '.venv', 'data', 'kernels/tensorflow/build'];

export function copyProject(folder: string): void {
  // What a kernel is writing just now has another name when it comes to be copied.
  const filter = (source: string) => !source.endsWith('.incomplete');
  for (const name of COPIED)
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true, filter });
  for (const name of LINKED) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    symlinkSync(join(root, name), join(folder, name));
  }
}
