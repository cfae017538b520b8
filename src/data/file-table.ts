/** A table whose pictures are files of their own. */
import { type Entry, record } from './entries';
import { MissingPictureError } from './image';
import { readPictureInside } from './inside';
import type { PictureSource, TrainingRow } from './rows';
import type { Table, TableRow } from './tables';

/** A row: its values, and where the pictures of its columns lie. */
export interface FileRow {
  readonly values: Entry;
  readonly pictures: Readonly<Record<string, string | undefined>>;
}

/** @param place the file that lists the rows, or the folder they were found in; `root` is the folder that no picture may leave */
export function fileTable(
  { place, root }: { readonly place: string; readonly root: string },
  rows: readonly FileRow[],
): Table {
  const file = { path: place };
  const columns = rows.flatMap(({ values, pictures }) => [
    ...Object.keys(values),
    ...Object.keys(pictures),
  ]);
  const pictures: PictureSource = {
    async get({ row }: TrainingRow, column: string) {
      const path = rows[row]?.pictures[column];
      if (path === undefined) throw new MissingPictureError('There is no picture.');
      return readPictureInside(root, path);
    },
  };
  return {
    columns: [...new Set(columns)],
    pictures,
    async *rows(names): AsyncGenerator<TableRow> {
      for (const [row, { values }] of rows.entries())
        yield { file, row, rowGroup: 0, rowInGroup: row, values: names.map((n) => values[n]) };
    },
  };
}

/** The table with further names for its columns: `{ jpg_0: 'chosen' }` calls what was `chosen` `jpg_0` too. */
export function withNames(table: Table, names: Readonly<Record<string, string>>): Table {
  const source = record(Object.entries(names));
  const nameOf = (column: string) => source[column] ?? column;
  return {
    columns: [...new Set([...Object.keys(names), ...table.columns])],
    pictures: { get: (row, column) => table.pictures.get(row, nameOf(column)) },
    rows: (columns) => table.rows(columns.map(nameOf)),
  };
}

/** The table with a column more, the same value in every row. */
export function withConstant(table: Table, column: string, value: unknown): Table {
  return {
    ...table,
    columns: [...table.columns, column],
    async *rows(columns) {
      const own = columns.filter((name) => name !== column);
      for await (const { values, ...place } of table.rows(own)) {
        const known = new Map(own.map((name, i) => [name, values[i]]));
        yield { ...place, values: columns.map((n) => (n === column ? value : known.get(n))) };
      }
    },
  };
}
