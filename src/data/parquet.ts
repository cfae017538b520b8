/** Parquet files, read one column of one row group at a time behind a guard. */
import { bring } from './byte-source';
import { PARQUET_LIMITS, ParquetGuard, type ParquetRequest } from './parquet-guard';

/** A value of a column; `undefined` is null. Byte strings come as they are, text as `string`, lists of text as arrays. */
export type ParquetValue =
  | Uint8Array
  | string
  | number
  | bigint
  | boolean
  | Date
  | readonly string[]
  | undefined;

/** What is in a file: how many rows each row group has, and the top-level columns. */
export interface ParquetLayout {
  readonly rows: readonly number[];
  /** `type` is parquet's; of nested columns `picture` (a struct { bytes, path }), `texts` (a list) or `nested`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A parquet file that is damaged, hostile or not what it should be. The message names file and reason. */
export class ParquetError extends Error {
  override readonly name = 'ParquetError';
}

/** One thread for the whole process; an idle one does not keep the process alive. */
const sharedGuard = new ParquetGuard(PARQUET_LIMITS);

export interface ParquetOptions {
  /** Where the file is read. @default one guard shared by the process, with `PARQUET_LIMITS` */
  readonly guard?: ParquetGuard;
}

/** @throws ParquetError */
export async function parquetLayout(
  path: string,
  { guard = sharedGuard }: ParquetOptions = {},
): Promise<ParquetLayout> {
  return (await ask(guard, { path })) as ParquetLayout;
}

/**
 * The values of one column in one row group: flat, pictures, or lists of texts.
 *
 * @throws ParquetError
 */
export async function parquetColumn(
  path: string,
  column: string,
  rowGroup: number,
  { guard = sharedGuard }: ParquetOptions = {},
): Promise<ParquetValue[]> {
  const answer = (await ask(guard, { path, column, rowGroup })) as
    | { readonly values: ParquetValue[] }
    | { readonly bytes: Uint8Array; readonly ends: Float64Array; readonly missing: number[] };
  return 'values' in answer ? answer.values : cut(answer);
}

/** Where each value of a column of one row group stands, in 16 bytes a row. */
export interface ParquetPlaces {
  /** Byte of the file from which places count. */
  readonly start: number;
  readonly codec: string;
  /** The definition level of what is not null. */
  readonly definition: number;
  /** Four numbers a row: `from`, `to`, `skip` and `length` of a `ParquetPlace`; a null that is known has 0 for `to`. */
  readonly places: Uint32Array;
}

/**
 * Where the byte strings of one column in one row group stand. Without compression or in Snappy, as pyarrow and
 * `datasets` write by default, each can be read alone, also where all pictures of a row group stand in its dictionary;
 * in other codecs each with its page, up to 4 MiB. Nothing, where the column should be read whole: it is small, its
 * pages are larger, it has another encoding or a dictionary in another codec, or is no column of byte strings.
 *
 * @throws ParquetError
 */
export async function parquetPlaces(
  path: string,
  column: string,
  rowGroup: number,
  { guard = sharedGuard }: ParquetOptions = {},
): Promise<ParquetPlaces | undefined> {
  const request = { path, column, rowGroup, wanted: 'places' } as const;
  return (await ask(guard, request)) as ParquetPlaces | undefined;
}

/** One value, without the others. @throws ParquetError */
export async function parquetValue(
  path: string,
  column: string,
  rowGroup: number,
  row: number,
  { start, codec, definition, places }: ParquetPlaces,
  { guard = sharedGuard }: ParquetOptions = {},
): Promise<Uint8Array | undefined> {
  const [from = 0, to = 0, skip = 0, length = 0] = places.subarray(4 * row, 4 * row + 4);
  if (to === 0) return undefined;
  const wanted = { codec, definition, from: start + from, to: start + to, skip, length };
  return (await ask(guard, { path, column, rowGroup, wanted })) as Uint8Array | undefined;
}

function cut({
  bytes,
  ends,
  missing,
}: {
  bytes: Uint8Array;
  ends: Float64Array;
  missing: number[];
}) {
  const values: ParquetValue[] = Array.from(ends, (end, i) =>
    bytes.subarray(ends[i - 1] ?? 0, end),
  );
  for (const i of missing) values[i] = undefined;
  return values;
}

async function ask(guard: ParquetGuard, request: ParquetRequest): Promise<unknown> {
  await bring(request, guard);
  try {
    return await guard.ask(request);
  } catch (error) {
    const { path, column, rowGroup } = request;
    const where = column === undefined ? '' : `, column "${column}" of row group ${rowGroup}`;
    throw new ParquetError(`"${path}"${where}: ${(error as Error).message}.`);
  }
}
