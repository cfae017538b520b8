/** The form in which notebooks are committed: it changes only where the lesson or what it shows does. */

import { display_name, language } from '../../kernels/typescript/kernel.json';
import { kernelInfo } from '../../kernels/typescript/kernel-info';
import type { CodeCell, Json, Notebook, NotebookCell } from './notebook-file';
import { SEAL } from './notebook-seal';

/** What the format itself defines, save for times and how a page was last folded; and nbconvert's slides. */
const KEPT = {
  notebook: ['authors', 'title', SEAL],
  language: ['file_extension', 'mimetype', 'name'],
  cell: ['jupyter', 'name', 'slideshow', 'tags'],
};

/** The notebook with what front ends add by themselves taken away: times, versions, the state of a page. */
export function committedForm(notebook: Notebook): Notebook {
  const { nbformat, nbformat_minor, metadata, cells } = notebook;
  return {
    nbformat,
    nbformat_minor: Math.max(5, nbformat_minor), // 5 knows the ids that cells have
    metadata: {
      ...only(KEPT.notebook, metadata),
      kernelspec: { display_name, language, name: 'typescript' },
      language_info: only(KEPT.language, kernelInfo().language_info as Json),
    },
    cells: cells.map(committedCell),
  };
}

function committedCell(cell: NotebookCell): NotebookCell {
  const { id, source } = cell;
  const kept = { id, source, metadata: only(KEPT.cell, cell.metadata) };
  if (cell.cell_type !== 'code') {
    const { cell_type, attachments } = cell;
    return { cell_type, ...kept, ...(attachments === undefined ? {} : { attachments }) };
  }
  const { execution_count, outputs }: CodeCell = cell;
  return { cell_type: 'code', ...kept, execution_count, outputs };
}

const only = (keys: readonly string[], object: Json): Json =>
  Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]));
