/**
 * Tells whether a notebook's outputs belong to its code. The hash covers the sources of the code cells in order and the
 * data card's hashes of `data/`; not `src`, where most changes alter no output and each would ask for minutes of runs:
 * the tests run every notebook's checks on `src` as it stands.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Json, Notebook } from './notebook-file';

/** Key of the notebook's metadata. */
export const SEAL = 'diffusion_dpo';

const DATA_CARD = resolve(__dirname, '..', '..', 'data', 'README.md');

/** SHA-256 in hexadecimal. */
export function madeFrom({ cells }: Notebook, dataCard = readFileSync(DATA_CARD, 'utf8')): string {
  const sources = cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.source] : []));
  const data = dataCard.match(/\b[0-9a-f]{64}\b/g) ?? [];
  return createHash('sha256').update(JSON.stringify({ sources, data })).digest('hex');
}

/** The notebook with a note of what its outputs were made from. */
export function sealed(notebook: Notebook): Notebook {
  const metadata = { ...notebook.metadata, [SEAL]: { made_from: madeFrom(notebook) } };
  return { ...notebook, metadata };
}

/** The notebook with no such note: its outputs are not those of a whole run. */
export function unsealed(notebook: Notebook): Notebook {
  const { [SEAL]: _, ...metadata } = notebook.metadata;
  return { ...notebook, metadata };
}

/** Whether the outputs are those of the code that is there. */
export function isCurrent(notebook: Notebook): boolean {
  const seal = notebook.metadata[SEAL] as Json | undefined;
  return seal?.made_from === madeFrom(notebook);
}
