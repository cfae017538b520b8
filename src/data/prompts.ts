/** Lists of prompts: Pick-a-Pic's captions, PartiPrompts, HPD's benchmark, or a text file of one's own. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { type ResolveOptions, resolve } from '../hub/remote/resolve';
import { parseCsv } from './csv';
import { parquetTable } from './tables';

export interface PromptOptions extends Omit<ResolveOptions, 'repoType' | 'variant' | 'without'> {
  /** @default the first of caption, prompt, Prompt, text that is there */
  readonly column?: string | undefined;
}

/** Where a repository keeps prompts, in the order in which they are looked for. */
const PLACES = [
  'data/*.parquet',
  '*.parquet',
  '*.tsv',
  '*.csv',
  'benchmark/*.json',
  '*.jsonl',
  '*.json',
  '*.txt',
];
const COLUMNS = ['caption', 'prompt', 'Prompt', 'text'];

/**
 * Prompts in the order of their files, by name: `nateraw/parti-prompts`, a folder or a file with `files`, or one file
 * (.parquet, .csv, .tsv, .json with a list, .jsonl, or .txt with one prompt a line).
 * @throws RangeError in one sentence where there is no such file or column
 * @throws HubError where the hub or the network refuse
 */
export async function loadPrompts(name: string, options: PromptOptions = {}): Promise<string[]> {
  const prompts: string[] = [];
  for (const path of await promptFiles(name, options))
    for (const prompt of await promptsOf(path, options.column)) prompts.push(prompt);
  if (prompts.length === 0) throw new RangeError(`${JSON.stringify(name)} has no prompts.`);
  return prompts;
}

async function promptFiles(name: string, options: PromptOptions): Promise<readonly string[]> {
  const places = options.files ? [options.files] : PLACES.map((place) => [place]);
  let last: unknown;
  for (const files of places) {
    try {
      const found = await resolve(name, { ...options, files, repoType: 'dataset' });
      if (found.files.length > 0) return [...found.files].sort();
    } catch (error) {
      // Only that it has no such file is a reason to look for another.
      if (!(error instanceof Error) || (error as { reason?: string }).reason !== 'missing')
        throw error;
      last = error;
    }
  }
  throw (
    last ?? new RangeError(`${JSON.stringify(name)} has no file of prompts; name one in "files".`)
  );
}

async function promptsOf(path: string, column: string | undefined): Promise<string[]> {
  const text = () => readFileSync(path, 'utf8');
  const lines = () =>
    text()
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
  switch (extname(path)) {
    case '.parquet': {
      const table = await parquetTable([path]);
      const name = columnOf(path, table.columns, column);
      const prompts: string[] = [];
      for await (const { values } of table.rows([name])) prompts.push(promptOf(path, values[0]));
      return prompts;
    }
    case '.csv':
      return cells(path, parseCsv(text()), column);
    case '.tsv':
      return cells(
        path,
        lines().map((line) => line.split('\t')),
        column,
      );
    case '.jsonl':
      return records(
        path,
        lines().map((line) => JSON.parse(line)),
        column,
      );
    case '.json':
      return records(path, JSON.parse(text()), column);
    default:
      return lines();
  }
}

function cells(path: string, [head = [], ...rows]: readonly string[][], column?: string): string[] {
  const at = head.indexOf(columnOf(path, head, column));
  return rows.map((row) => promptOf(path, row[at]));
}

/** A list of texts, or of objects that have one. */
function records(path: string, list: unknown, column?: string): string[] {
  if (!Array.isArray(list)) throw new RangeError(`"${path}" holds no list of prompts.`);
  return list.map((entry) => {
    if (typeof entry === 'string') return entry;
    const record = Object(entry) as Record<string, unknown>;
    return promptOf(path, record[columnOf(path, Object.keys(record), column)]);
  });
}

function columnOf(path: string, columns: readonly string[], asked?: string): string {
  const wanted = asked === undefined ? COLUMNS : [asked];
  const found = wanted.find((name) => columns.includes(name));
  if (found !== undefined) return found;
  throw new RangeError(
    `"${path}" has no column "${wanted.join('", "')}"; it has: ${columns.join(', ')}.`,
  );
}

function promptOf(path: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new RangeError(`"${path}" has a row without a prompt.`);
}
