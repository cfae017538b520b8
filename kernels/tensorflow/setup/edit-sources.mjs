// Checked edits: copies of source files with texts replaced, or a failure that names the file and the edit.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './errors.mjs';

const count = (n) => (n === 1 ? 'once' : `${n} times`);

/**
 * `source` with an edit made to it.
 * @throws SetupError when the text is not there as often as the edit says: it was written for another source
 */
export function applyEdit(source, { file, find, times, replace, reason }) {
  const parts = source.split(find);
  if (parts.length !== times + 1) {
    throw new SetupError(
      `The source ${file} is not the one that our edits are for: "${find}" must be in it ${count(times)} and is there ${count(parts.length - 1)} (edit: ${reason}); install the pinned packages with "npm ci --ignore-scripts" and run the same command again.`,
    );
  }
  return parts.join(replace);
}

/**
 * Copies the files of `from` into `to` (which is made) with the edits made to them, in order.
 * @throws SetupError when an edit does not fit, or its file is not there
 */
export function copyEdited(from, to, edits) {
  const names = readdirSync(from);
  const stray = edits.find(({ file }) => !names.includes(file));
  if (stray) {
    throw new SetupError(
      `The source ${stray.file}, which our edits change, is missing (edit: ${stray.reason}); install the pinned packages with "npm ci --ignore-scripts" and run the same command again.`,
    );
  }
  mkdirSync(to, { recursive: true });
  for (const name of names) {
    const mine = edits.filter(({ file }) => file === name);
    writeFileSync(join(to, name), mine.reduce(applyEdit, readFileSync(join(from, name), 'utf8')));
  }
}
