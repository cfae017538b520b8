/** A data set as columns and rows, whatever files it lies in. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ParquetError, parquetColumn, parquetLayout } from './parquet';
import { PictureFiles } from './picture-files';
import type { PictureSource, TrainingRow } from './rows';

/** Where a row stands, and its values of the columns asked for. */
export interface TableRow extends Pick<TrainingRow, 'file' | 'row' | 'rowGroup' | 'rowInGroup'> {
  readonly values: readonly unknown[];
}

export interface Table {
  /** Those that every row has a place for; names of picture columns among them. */
  readonly columns: readonly string[];
  /** In the files' order. @throws Error that names the file where a column is missing or cannot be read. */
  rows(columns: readonly string[]): AsyncIterable<TableRow>;
  readonly pictures: PictureSource;
}

/** Parquet files, one after the other. @throws ParquetError */
export async function parquetTable(paths: readonly string[]): Promise<Table> {
  const files: { path: string; rows: readonly number[]; columns: ReadonlySet<string> }[] = [];
  for (const path of paths) {
    const { rows, columns } = await parquetLayout(path);
    const readable = columns.filter(({ type }) => type !== 'nested');
    files.push({ path, rows, columns: new Set(readable.map(({ name }) => name)) });
  }
  const common = [...(files[0]?.columns ?? [])].filter((c) => files.every((f) => f.columns.has(c)));
  return {
    columns: common,
    pictures: new PictureFiles(),
    async *rows(columns) {
      for (const file of files) {
        const missing = columns.filter((name) => !file.columns.has(name));
        if (missing.length > 0) {
          const names = missing.map((name) => `"${name}"`).join(', ');
          throw new ParquetError(`"${file.path}" has no column ${names}.`);
        }
        yield* fileRows(file, columns);
      }
    },
  };
}

async function* fileRows(
  { path, rows }: { readonly path: string; readonly rows: readonly number[] },
  columns: readonly string[],
): AsyncGenerator<TableRow> {
  const file = { path };
  let firstRow = 0;
  for (const [rowGroup, count] of rows.entries()) {
    const read: (readonly unknown[])[] = [];
    for (const name of columns) read.push(await parquetColumn(path, name, rowGroup));
    for (let rowInGroup = 0; rowInGroup < count; rowInGroup++) {
      const values = read.map((column) => column[rowInGroup]);
      yield { file, row: firstRow + rowInGroup, rowGroup, rowInGroup, values };
    }
    firstRow += count;
  }
}

/** The parquet files of one split, sorted by name: `data/<split>-*.parquet` of a folder, or the one file named. */
export function splitFiles(source: string, split: string): string[] | undefined {
  if (statSync(source, { throwIfNoEntry: false })?.isFile()) return [source];
  for (const folder of [join(source, 'data'), source]) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const names = readdirSync(folder).filter((name) => isOfSplit(name, split));
    if (names.length > 0) return names.sort().map((name) => join(folder, name));
  }
  return undefined;
}

export function isOfSplit(name: string, split: string): boolean {
  return name === `${split}.parquet` || (name.startsWith(`${split}-`) && name.endsWith('.parquet'));
}
