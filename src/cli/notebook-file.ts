/** Notebook files as Jupyter writes them (nbformat 4.5), with text as one string while in memory. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

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
}

export interface CodeCell {
  readonly cell_type: 'code';
  readonly id: string;
  readonly metadata: Json;
  readonly source: string;
  readonly execution_count: number | null;
  readonly outputs: readonly CellOutput[];
}

export type NotebookCell = MarkdownCell | CodeCell;

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
  const cells = file.cells
    .filter((cell: Json) => cell.cell_type === 'code' || cell.cell_type === 'markdown')
    .map((cell: Json, i: number) => ({
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
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: lines(cell.source),
    ...(cell.cell_type === 'code' ? { outputs: cell.outputs.map(splitOutput) } : {}),
  }));
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.incomplete`;
  writeFileSync(temporary, `${JSON.stringify({ ...notebook, cells }, undefined, 1)}\n`);
  renameSync(temporary, path);
}

/** Text as a list of lines, so that a change of one line is a change of one line in git. */
function lines(text: string): string[] {
  return text.split(/(?<=\n)/).filter((line) => line !== '');
}

function splitOutput(output: CellOutput): Json {
  if (output.output_type === 'stream') return { ...output, text: lines(output.text) };
  if (output.output_type === 'error') return { ...output };
  const data = Object.entries(output.data).map(([mime, value]) => [
    mime,
    typeof value === 'string' && mime.startsWith('text/') ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}
