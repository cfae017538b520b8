/**
 * A folder of pictures with `metadata.jsonl` or `metadata.csv`, as `datasets` reads it: `file_name` names the column
 * `image`, and `jpg_0_file_name` the column `jpg_0`; paths are relative to the metadata file and stay in its folder.
 * Upstream: datasets 5.2, `packaged_modules/folder_based_builder`.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type Entry, readEntries } from './entries';
import { MissingPictureError } from './image';
import { pathInside, readPictureInside } from './inside';
import type { PictureSource, TrainingRow } from './rows';
import type { Table, TableRow } from './tables';

const FILE_NAME = 'file_name';
const METADATA = ['metadata.jsonl', 'metadata.csv'] as const;

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
    if (path === undefined) throw new MissingPictureError('There is no picture.');
    return readPictureInside(this.root, path);
  }

  private inside(name: string, metadata: string, row: number): string {
    const folder = dirname(metadata);
    const path = pathInside(folder, name);
    if (path !== undefined) return path;
    throw new RangeError(
      `Row ${row} of "${metadata}" names "${name}", which is not a path inside "${folder}".`,
    );
  }
}

function pictureColumn(key: string): string | undefined {
  if (key === FILE_NAME) return 'image';
  return key.endsWith(`_${FILE_NAME}`) ? key.slice(0, -FILE_NAME.length - 1) : undefined;
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
