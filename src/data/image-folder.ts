/**
 * A folder of pictures with `metadata.jsonl` or `metadata.csv`, as `datasets` reads it: `file_name` names the column
 * `image`, and `jpg_0_file_name` the column `jpg_0`; paths are relative to the metadata file and stay in its folder.
 * Upstream: datasets 5.2, `packaged_modules/folder_based_builder`.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parseCsv } from './csv';
import { MAX_PICTURE_BYTES, PictureError } from './image';
import type { PictureSource, TrainingRow } from './rows';
import type { Table, TableRow } from './tables';

const FILE_NAME = 'file_name';
const METADATA = ['metadata.jsonl', 'metadata.csv'] as const;
/** A larger metadata file is refused unread. */
const MAX_METADATA_BYTES = 2 ** 28;

type Entry = Readonly<Record<string, unknown>>;

/** The metadata files below a folder, sorted by path; linked folders are not entered. */
export function metadataFiles(root: string): string[] {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) return [];
  const found = readdirSync(root, { withFileTypes: true, recursive: true });
  const names: readonly string[] = METADATA;
  const files = found.filter((entry) => entry.isFile() && names.includes(entry.name));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** `metadata order` is that of today's `datasets`; 2.14.6, which the original pins, goes by the pictures' paths. */
export type FolderOrder = 'metadata order' | 'path order';

/** @throws RangeError that names the file and line of what is malformed, or of a path that leads out of the folder. */
export function imageFolder(root: string, order: FolderOrder = 'metadata order'): Table {
  const paths = metadataFiles(root);
  const kinds = METADATA.filter((name) => paths.some((path) => path.endsWith(`${sep}${name}`)));
  if (kinds.length !== 1) {
    throw new RangeError(
      `"${root}" needs metadata.jsonl or metadata.csv, one kind; it has ${kinds.length}.`,
    );
  }
  const pictures = new FolderPictures(root);
  const rows = paths.flatMap((path) => {
    const file = { path };
    return readEntries(path).map((entry, row) => {
      const named = pictures.name(entry, file, row);
      return { file, row, rowGroup: 0, rowInGroup: row, entry: named };
    });
  });
  if (order === 'path order') rows.sort((a, b) => comparePaths(pictures, a, b));
  const all = new Set(rows.flatMap(({ entry }) => Object.keys(entry)));
  return {
    columns: [...all],
    pictures,
    async *rows(columns): AsyncGenerator<TableRow> {
      for (const { entry, ...place } of rows) {
        yield { ...place, values: columns.map((name) => entry[name]) };
      }
    },
  };
}

/** Reads pictures by the names in the metadata. */
class FolderPictures implements PictureSource {
  private readonly paths = new Map<string, Record<string, string>[]>();

  constructor(private readonly root: string) {}

  /** Takes the file names out of an entry; what is left has the names of the picture columns. */
  name(entry: Entry, file: { readonly path: string }, row: number): Entry {
    const paths: Record<string, string> = {};
    const values: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(entry)) {
      const column = pictureColumn(key);
      if (column === undefined) values[key] = value;
      else {
        values[column] = value;
        if (typeof value === 'string') paths[column] = this.inside(value, file.path, row);
      }
    }
    const rows = this.paths.get(file.path) ?? [];
    rows[row] = paths;
    this.paths.set(file.path, rows);
    return values;
  }

  path({ file, row }: Pick<TrainingRow, 'file' | 'row'>, column: string): string | undefined {
    return this.paths.get(file.path)?.[row]?.[column];
  }

  async get(row: TrainingRow, column: string): Promise<Uint8Array> {
    const path = this.path(row, column);
    if (path === undefined) throw new PictureError('There is no picture.');
    const file = await stat(path).catch(missing);
    if (!file?.isFile()) throw new PictureError(`There is no file "${path}".`);
    if (file.size > MAX_PICTURE_BYTES) {
      throw new PictureError(
        `"${path}" has ${file.size} bytes; at most ${MAX_PICTURE_BYTES} are read.`,
      );
    }
    if (!isBelow(await realpath(this.root), await realpath(path))) {
      throw new RangeError(`"${path}" is a link out of the folder "${this.root}".`);
    }
    return await readFile(path);
  }

  private inside(name: string, metadata: string, row: number): string {
    const folder = dirname(metadata);
    const path = resolve(folder, name.replaceAll('\\', '/'));
    if (!isAbsolute(name) && !name.includes('\0') && isBelow(resolve(folder), path)) return path;
    throw new RangeError(
      `Row ${row} of "${metadata}" names "${name}", which is not a path inside "${folder}".`,
    );
  }
}

function pictureColumn(key: string): string | undefined {
  if (key === FILE_NAME) return 'image';
  return key.endsWith(`_${FILE_NAME}`) ? key.slice(0, -FILE_NAME.length - 1) : undefined;
}

function readEntries(path: string): Entry[] {
  const { size } = statSync(path);
  if (size > MAX_METADATA_BYTES) {
    throw new RangeError(`"${path}" has ${size} bytes; at most ${MAX_METADATA_BYTES} are read.`);
  }
  const text = readFileSync(path, 'utf8');
  try {
    return path.endsWith('.csv') ? csvEntries(text) : jsonEntries(text);
  } catch (error) {
    throw new RangeError(`"${path}": ${error instanceof Error ? error.message : error}.`);
  }
}

/** An empty cell is nothing, as pandas reads it; words like `NA` stay words. */
function csvEntries(text: string): Entry[] {
  const [names = [], ...rows] = parseCsv(text);
  return rows.map((cells, i) => {
    if (cells.length === names.length)
      return record(names.map((name, k) => [name, cells[k] || undefined]));
    throw new RangeError(`row ${i} has ${cells.length} cells under ${names.length} names`);
  });
}

function jsonEntries(text: string): Entry[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const value: unknown = JSON.parse(line);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return record(Object.entries(value));
    }
    throw new RangeError(`row ${i} is not an object`);
  });
}

/** Without a prototype, so that a key named like one of its members is a key. */
function record(entries: readonly (readonly [string, unknown])[]): Entry {
  const empty = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries) empty[key] = value;
  return empty;
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function comparePaths(
  pictures: FolderPictures,
  a: Pick<TrainingRow, 'file' | 'row'>,
  b: Pick<TrainingRow, 'file' | 'row'>,
): number {
  const [first, second] = [a, b].map((row) => pictures.path(row, 'image') ?? '') as [
    string,
    string,
  ];
  return first < second ? -1 : first > second ? 1 : 0;
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
