/**
 * Pairs listed in a file of JSON lines or CSV: `prompt`, `chosen` and `rejected`, the last two paths of pictures, relative
 * to the file and inside its folder. `jpg_0` and `jpg_1` are two pictures of which `label_0` says who won, as in
 * Pick-a-Pic: 1 the first, 0 the second, ½ nobody. Other columns are kept under their names.
 */
import { dirname } from 'node:path';
import { type Entry, readEntries, record } from './entries';
import { type FileRow, fileTable } from './file-table';
import { pathInside } from './inside';
import type { Table } from './tables';

/** The columns of each order; the first of a pair with `chosen` won, unless a `label_0` says that it is a tie. */
const PICTURES = [
  ['chosen', 'rejected'],
  ['jpg_0', 'jpg_1'],
] as const;

/** @throws RangeError that names the file, and the row whose path leads elsewhere or that is malformed. */
export function pairList(path: string): Table {
  const entries = readEntries(path);
  if (entries.length === 0) throw new RangeError(`"${path}" lists no pair.`);
  const has = (name: string) => entries.some((entry) => name in entry);
  const pictures = PICTURES.find(([first, second]) => has(first) && has(second));
  if (!pictures || !(has('prompt') || has('caption'))) {
    const found = [...new Set(entries.flatMap((entry) => Object.keys(entry)))].join(', ');
    throw new RangeError(
      `"${path}" lists ${found}; pairs need prompt, chosen and rejected, or prompt, jpg_0 and jpg_1.`,
    );
  }
  const rows = entries.map((entry, row) => listedRow(entry, { path, row, pictures }));
  return fileTable({ place: path, root: dirname(path) }, rows);
}

interface Place {
  readonly path: string;
  readonly row: number;
  readonly pictures: (typeof PICTURES)[number];
}

function listedRow(entry: Entry, place: Place): FileRow {
  const { prompt, caption = prompt, ...rest } = entry;
  const [first, second] = place.pictures;
  const { [first]: firstName, [second]: secondName, ...values } = rest as Record<string, unknown>;
  const label_0 = values.label_0 ?? (first === 'chosen' ? 1 : undefined);
  const names = { image_0_uid: firstName, image_1_uid: secondName };
  return {
    values: record(Object.entries({ ...names, ...values, label_0, prompt, caption })),
    pictures: { jpg_0: pictureAt(firstName, place), jpg_1: pictureAt(secondName, place) },
  };
}

function pictureAt(name: unknown, { path, row }: Place): string | undefined {
  if (name === undefined || name === null || name === '') return undefined;
  const folder = dirname(path);
  const inside = typeof name === 'string' ? pathInside(folder, name) : undefined;
  if (inside !== undefined) return inside;
  throw new RangeError(
    `Row ${row} of "${path}" names ${JSON.stringify(name)}, which is not a path inside "${folder}".`,
  );
}
