/**
 * Pick-a-Pic v2's parquet columns, under their own names (Kirstain et al., 2023, arXiv 2305.01569; data set
 * `yuvalkirstain/pickapic_v2`). Names stay snake_case, as in the file and in train.py.
 */
import {
  ParquetError,
  type ParquetLayout,
  type ParquetValue,
  parquetColumn,
  parquetLayout,
} from './parquet';

/** One comparison of two pictures of one prompt; optional columns are absent in some exports, or null. */
export interface PreferenceRow {
  /** The pictures' files (JPEG, PNG or WebP). */
  readonly jpg_0: Uint8Array;
  readonly jpg_1: Uint8Array;
  /** 1: picture 0 was preferred, 0: picture 1, ½: a tie; absent: nobody chose. */
  readonly label_0?: number;
  readonly label_1?: number;
  readonly caption: string;
  readonly are_different?: boolean;
  readonly best_image_uid?: string;
  readonly created_at?: Date;
  readonly has_label?: boolean;
  readonly image_0_uid?: string;
  readonly image_0_url?: string;
  readonly image_1_uid?: string;
  readonly image_1_url?: string;
  readonly model_0?: string;
  readonly model_1?: string;
  readonly ranking_id?: number;
  readonly user_id?: number;
  readonly num_example_per_prompt?: number;
  readonly __index_level_0__?: number;
}

export type PreferenceColumn = keyof PreferenceRow;
type ColumnType = 'bytes' | 'string' | 'number' | 'integer' | 'boolean' | 'date';

/** All columns in the file's order, and what stands in them. */
export const PREFERENCE_COLUMNS = {
  are_different: 'boolean',
  best_image_uid: 'string',
  caption: 'string',
  created_at: 'date',
  has_label: 'boolean',
  image_0_uid: 'string',
  image_0_url: 'string',
  image_1_uid: 'string',
  image_1_url: 'string',
  jpg_0: 'bytes',
  jpg_1: 'bytes',
  label_0: 'number',
  label_1: 'number',
  model_0: 'string',
  model_1: 'string',
  ranking_id: 'integer',
  user_id: 'integer',
  num_example_per_prompt: 'integer',
  __index_level_0__: 'integer',
} as const satisfies Record<PreferenceColumn, ColumnType>;

const NESTED = new Set(['nested', 'picture', 'texts']);
const REQUIRED = ['jpg_0', 'jpg_1', 'label_0', 'caption'] as const;

/** An opened file: its row groups and which of the known columns it has. Other columns are never read. */
export interface PreferenceFile {
  readonly path: string;
  readonly rows: readonly number[];
  readonly columns: readonly PreferenceColumn[];
}

/** @throws ParquetError if the file cannot be read or lacks a column that every comparison needs. */
export async function openPreferenceFile(path: string): Promise<PreferenceFile> {
  const layout: ParquetLayout = await parquetLayout(path);
  const flat = layout.columns.filter(({ type }) => !NESTED.has(type)).map(({ name }) => name);
  const missing = REQUIRED.filter((name) => !flat.includes(name));
  if (missing.length > 0) {
    throw new ParquetError(`"${path}" has no column ${missing.map((m) => `"${m}"`).join(', ')}.`);
  }
  const known = Object.keys(PREFERENCE_COLUMNS) as PreferenceColumn[];
  return { path, rows: layout.rows, columns: known.filter((name) => flat.includes(name)) };
}

/**
 * One column of one row group; nulls are `undefined`, 64-bit integers are numbers.
 *
 * @throws ParquetError if a value is not of the column's type, or null in a column that every comparison needs.
 */
export async function preferenceColumn<C extends PreferenceColumn>(
  { path }: PreferenceFile,
  column: C,
  rowGroup: number,
): Promise<PreferenceRow[C][]> {
  const values = await parquetColumn(path, column, rowGroup);
  const type = PREFERENCE_COLUMNS[column];
  const nullable = column !== 'jpg_0' && column !== 'jpg_1' && column !== 'caption';
  return values.map((value, i) => {
    if (value === undefined && nullable) return undefined;
    const checked = typed(value, type);
    if (checked !== undefined) return checked;
    throw new ParquetError(
      `"${path}", column "${column}", row ${i} of row group ${rowGroup}: expected ${type}, got ${kind(value)}.`,
    );
  }) as PreferenceRow[C][];
}

/** All rows in file order, one row group in memory at a time. @throws ParquetError */
export async function* readPreferenceRows(path: string): AsyncGenerator<PreferenceRow> {
  const file = await openPreferenceFile(path);
  for (const [rowGroup, rows] of file.rows.entries()) {
    const columns: [string, readonly unknown[]][] = [];
    for (const name of file.columns) {
      columns.push([name, await preferenceColumn(file, name, rowGroup)]);
    }
    for (let i = 0; i < rows; i++) {
      const entries = columns.map(([name, values]) => [name, values[i]] as const);
      const present = entries.filter(([, value]) => value !== undefined);
      yield Object.fromEntries(present) as unknown as PreferenceRow;
    }
  }
}

function typed(value: ParquetValue, type: ColumnType): ParquetValue {
  switch (type) {
    case 'bytes':
      return value instanceof Uint8Array ? value : undefined;
    case 'date':
      return value instanceof Date ? value : undefined;
    case 'integer': {
      const number = typeof value === 'bigint' ? Number(value) : value;
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case 'number':
      return typeof value === 'bigint' ? Number(value) : typeof value === type ? value : undefined;
    default:
      return typeof value === type ? value : undefined;
  }
}

function kind(value: ParquetValue): string {
  if (value === undefined) return 'nothing';
  return value instanceof Uint8Array ? 'bytes' : value instanceof Date ? 'date' : typeof value;
}
