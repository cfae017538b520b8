/** A notebook that the command line names. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Notebook, readNotebook } from './notebook-file';
import { notebookText } from './notebook-text';
import { UsageError } from './output-files';

/** @throws UsageError where there is no such file, or it is no notebook */
export function givenNotebook(given: string): {
  readonly path: string;
  readonly notebook: Notebook;
} {
  const path = resolve(given);
  if (!existsSync(path)) throw new UsageError(`There is no notebook ${given}.`);
  try {
    return { path, notebook: readNotebook(path) };
  } catch (error) {
    const why = error instanceof SyntaxError ? `it is no JSON: ${error.message}` : String(error);
    throw new UsageError(`${given} cannot be read as a notebook: ${why}`);
  }
}

/** @throws UsageError where a file is in the way and may not be replaced */
export function refuseExisting(path: string, existing: 'refuse' | 'replace'): void {
  if (existing === 'refuse' && existsSync(path))
    throw new UsageError(
      `${path} exists; it is not overwritten. Name another file, or add --force.`,
    );
}

/**
 * Where what was made of the notebook at `path` is written: there, or beside it where the file has become another since
 * `before` was read, saved in a page that is open.
 */
export function placeToWrite(path: string, before: Notebook): string {
  const isAsBefore = existsSync(path) && notebookText(readNotebook(path)) === notebookText(before);
  return isAsBefore ? path : path.replace(/\.ipynb$|$/, '-executed.ipynb');
}
