/** Lists of prompts: Pick-a-Pic's captions, PartiPrompts, HPD's benchmark, or a text file of one's own. */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { type ResolveOptions, resolve } from '../hub/remote/resolve';
import { parseCsv } from './csv';
import { parquetTable } from './tables';

export interface PromptOptions extends Omit<ResolveOptions, 'repoType' | 'variant' | 'without'> {
  /** @default the first of caption, prompt, Prompt, text that is there */
  readonly column?: string | undefined;
  /** Columns that say of which kind a prompt is. @default those of category, challenge, style that are there */
  readonly categories?: readonly string[] | undefined;
}

/** A prompt, and of which kind it is said to be: `{ Category: 'Animals', Challenge: 'Basic' }`. */
export interface PromptEntry {
  readonly prompt: string;
  readonly categories: { readonly [kind: string]: string };
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
const CATEGORIES = ['category', 'challenge', 'style'];

/**
 * Prompts in the order of their files, by name: `nateraw/parti-prompts`, a folder or a file with `files`, or one file
 * (.parquet, .csv, .tsv, .json with a list, .jsonl, or .txt with one prompt a line).
 * @throws RangeError in one sentence where there is no such file or column
 * @throws HubError where the hub or the network refuse
 */
export async function loadPrompts(name: string, options: PromptOptions = {}): Promise<string[]> {
  return (await loadPromptEntries(name, options)).map(({ prompt }) => prompt);
}

/**
 * The same with what the columns beside say of each prompt. Of lists in several files, as HPD's benchmark has one for each
 * style, the file's name is the `style`.
 */
export async function loadPromptEntries(
  name: string,
  options: PromptOptions = {},
): Promise<PromptEntry[]> {
  const entries: PromptEntry[] = [];
  const files = await promptFiles(name, options);
  for (const path of files)
    for (const { prompt, categories } of await entriesOf(path, options)) {
      const style = files.length > 1 &&
        extname(path) === '.json' && { style: basename(path, '.json') };
      entries.push({ prompt, categories: { ...style, ...categories } });
    }
  if (entries.length === 0) throw new RangeError(`${JSON.stringify(name)} has no prompts.`);
  return entries;
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

/** Values of one row by column. */
type Row = Readonly<Record<string, unknown>>;

async function entriesOf(path: string, options: PromptOptions): Promise<PromptEntry[]> {
  const rows = await rowsOf(path, options);
  return rows.map((row) => {
    if (typeof row === 'string') return { prompt: row, categories: {} };
    const columns = Object.keys(row);
    const prompt = promptOf(path, row[columnOf(path, columns, options.column)]);
    const kinds = categoryColumns(path, columns, options.categories);
    return {
      prompt,
      categories: Object.fromEntries(kinds.map((kind) => [kind, String(row[kind])])),
    };
  });
}

async function rowsOf(path: string, options: PromptOptions): Promise<(string | Row)[]> {
  const text = () => readFileSync(path, 'utf8');
  const lines = () =>
    text()
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
  switch (extname(path)) {
    case '.parquet':
      return parquetRows(path, options);
    case '.csv':
      return cells(path, parseCsv(text()), options);
    case '.tsv': {
      const rows = lines().map((line) => line.split('\t'));
      return cells(path, rows, options);
    }
    case '.jsonl':
      return records(
        path,
        lines().map((line) => JSON.parse(line)),
      );
    case '.json':
      return records(path, JSON.parse(text()));
    default:
      return lines();
  }
}

async function parquetRows(path: string, { column, categories }: PromptOptions): Promise<Row[]> {
  const table = await parquetTable([path]);
  const kinds = categoryColumns(path, table.columns, categories);
  const columns = [columnOf(path, table.columns, column), ...kinds]; // others may be pictures
  const rows: Row[] = [];
  for await (const { values } of table.rows(columns)) rows.push(named(columns, values));
  return rows;
}

const named = (columns: readonly string[], values: readonly unknown[]): Row =>
  Object.fromEntries(columns.map((name, i) => [name, values[i]]));

function cells(
  path: string,
  [head = [], ...rows]: readonly string[][],
  { column }: PromptOptions,
): Row[] {
  columnOf(path, head, column);
  return rows.map((row) => named(head, row));
}

/** A list of texts, or of objects that have one. */
function records(path: string, list: unknown): (string | Row)[] {
  if (!Array.isArray(list)) throw new RangeError(`"${path}" holds no list of prompts.`);
  return list.map((entry) => (typeof entry === 'string' ? entry : (Object(entry) as Row)));
}

/** @throws RangeError where one that was asked for is not there */
function categoryColumns(
  path: string,
  columns: readonly string[],
  asked: readonly string[] | undefined,
): readonly string[] {
  const missing = asked?.find((name) => !columns.includes(name));
  if (missing !== undefined) columnOf(path, columns, missing);
  return asked ?? columns.filter((name) => CATEGORIES.includes(name.toLowerCase()));
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
