/** Notebook files as Jupyter writes them (nbformat 4.5), with text as one string while in memory. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { notebookText } from './notebook-text';

export type Json = { readonly [key: string]: unknown };

export type CellOutput =
  | { readonly output_type: 'stream'; readonly name: string; readonly text: string }
  | {
      readonly output_type: 'display_data';
      readonly data: Json;
      readonly metadata: Json;
    }
  | {
      readonly output_type: 'execute_result';
      readonly data: Json;
      readonly metadata: Json;
      readonly execution_count: number;
    }
  | {
      readonly output_type: 'error';
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    };

export interface MarkdownCell {
  readonly cell_type: 'markdown';
  readonly id: string;
  readonly metadata: Json;
  readonly source: string;
  /** Pictures that were pasted into the text. */
  readonly attachments?: Json;
}

/** Text for a converter, such as LaTeX; it is kept, and shown nowhere here. */
export interface RawCell {
  readonly cell_type: 'raw';
  readonly id: string;
  readonly metadata: Json;
  readonly source: string;
  readonly attachments?: Json;
}

export interface CodeCell {
  readonly cell_type: 'code';
  readonly id: string;
  readonly metadata: Json;
  readonly source: string;
  readonly execution_count: number | null;
  readonly outputs: readonly CellOutput[];
}

export type NotebookCell = MarkdownCell | RawCell | CodeCell;

export const hasTag = ({ metadata }: NotebookCell, tag: string): boolean =>
  Array.isArray(metadata.tags) && metadata.tags.includes(tag);

export interface Notebook {
  readonly nbformat: 4;
  readonly nbformat_minor: number;
  readonly metadata: Json;
  readonly cells: readonly NotebookCell[];
}

/** @throws SyntaxError or TypeError when the file is no notebook of format 4. */
export function readNotebook(path: string): Notebook {
  const file = JSON.parse(readFileSync(path, 'utf8'));
  if (file?.nbformat !== 4 || !Array.isArray(file.cells)) {
    throw new TypeError(`${path} is no notebook of format 4.`);
  }
  const cells = file.cells.map((cell: Json, i: number) => ({
    id: `cell-${i + 1}`,
    ...cell,
    source: joined(cell.source),
    ...(cell.cell_type === 'code' ? { outputs: joinOutputs(cell.outputs) } : {}),
  }));
  return { ...file, cells };
}

/** Text comes as one string or as a list of lines. */
function joined(text: unknown): string {
  return Array.isArray(text) ? text.join('') : String(text ?? '');
}

function joinOutputs(outputs: unknown): CellOutput[] {
  if (!Array.isArray(outputs)) return [];
  return outputs.map((output) => {
    if (output.output_type === 'stream') return { ...output, text: joined(output.text) };
    if (output.data === undefined) return output;
    const data = Object.entries(output.data).map(([mime, value]) => [
      mime,
      Array.isArray(value) && !mime.endsWith('json') ? joined(value) : value,
    ]);
    return { ...output, data: Object.fromEntries(data) };
  });
}

/** Writes under another name first, so that a file that exists is whole. */
export function writeNotebook(path: string, notebook: Notebook): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.incomplete`;
  writeFileSync(temporary, notebookText(notebook));
  renameSync(temporary, path);
}
