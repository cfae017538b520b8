/** Writes comparisons as Pick-a-Pic v2's parquet files, so that everything that reads those reads ours. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, parquetWrite } from 'hyparquet-writer';
import { PREFERENCE_COLUMNS, type PreferenceColumn, type PreferenceRow } from './pickapic';

/** The parquet type of each kind of column, as pyarrow writes the original's. */
const ELEMENTS = {
  bytes: { type: 'BYTE_ARRAY' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  number: { type: 'DOUBLE' },
  integer: { type: 'INT64' },
  boolean: { type: 'BOOLEAN' },
  date: {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' },
  },
} as const;

/**
 * Writes the file whole or not at all (a sibling file, then a rename), with all of Pick-a-Pic v2's columns; the same
 * rows give the same bytes. What a row leaves out is null.
 *
 * @throws RangeError if there are no rows.
 */
export function writePreferencePairs(
  path: string,
  rows: readonly PreferenceRow[],
  { rowGroupSize = 100 }: { readonly rowGroupSize?: number } = {},
): void {
  if (rows.length === 0) throw new RangeError(`There are no rows to write to "${path}".`);
  const names = Object.keys(PREFERENCE_COLUMNS) as PreferenceColumn[];
  const schema: SchemaElement[] = [
    { name: 'schema', num_children: names.length, repetition_type: 'REQUIRED' },
    ...names.map(
      (name): SchemaElement => ({
        name,
        repetition_type: 'OPTIONAL',
        ...ELEMENTS[PREFERENCE_COLUMNS[name]],
      }),
    ),
  ];
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    columnData: names.map((name) => column(name, rows)),
    schema,
    rowGroupSize,
  });
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}.incomplete`;
  writeFileSync(unfinished, writer.getBytes());
  renameSync(unfinished, path);
}

/** Picture files are compressed already, and never repeat. */
function column(name: PreferenceColumn, rows: readonly PreferenceRow[]): ColumnSource {
  const isInteger = PREFERENCE_COLUMNS[name] === 'integer';
  const data = rows.map((row) => {
    const value = row[name];
    return isInteger && value !== undefined ? BigInt(value as number) : value;
  });
  return PREFERENCE_COLUMNS[name] === 'bytes'
    ? { name, data, encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false }
    : { name, data };
}
