/** Pairs to choose from, wherever they lie, each under a name that stays when others are added. */
import { basename } from 'node:path';
import { at } from './pairs';
import type { PictureSource, TrainingRow } from './rows';
import type { Table, TableRow } from './tables';

export interface UnlabelledPair
  extends Pick<TrainingRow, 'file' | 'row' | 'rowGroup' | 'rowInGroup'> {
  /** Names of both pictures, or file and row. */
  readonly id: string;
  readonly caption: string;
  /** Who drew the two, where that is known. */
  readonly models: readonly [string | undefined, string | undefined];
}

export interface UnlabelledPairs {
  /** The folder or file, as it was given. */
  readonly source: string;
  readonly pairs: readonly UnlabelledPair[];
  readonly pictures: PictureSource;
}

const OPTIONAL = ['image_0_uid', 'image_1_uid', 'model_0', 'model_1'] as const;

/** @throws RangeError where a pair has no text, or two have one name */
export async function unlabelledPairs(source: string, table: Table): Promise<UnlabelledPairs> {
  const known = OPTIONAL.filter((name) => table.columns.includes(name));
  const pairs: UnlabelledPair[] = [];
  const ids = new Set<string>();
  for await (const row of table.rows(['caption', ...known])) {
    const [caption, ...values] = row.values;
    if (typeof caption !== 'string')
      throw new RangeError(`Row ${row.row} of "${row.file.path}" has no text to show.`);
    const told = new Map(known.map((name, i) => [name, values[i]]));
    const text = (name: (typeof OPTIONAL)[number]) => {
      const value = told.get(name);
      return typeof value === 'string' ? value : undefined;
    };
    const id = idOf(row, text('image_0_uid'), text('image_1_uid'));
    if (ids.has(id)) throw new RangeError(`Two pairs of "${source}" are called "${id}".`);
    ids.add(id);
    pairs.push({ id, caption, models: [text('model_0'), text('model_1')], ...at(row) });
  }
  if (pairs.length === 0) throw new RangeError(`"${source}" has no pair.`);
  return { source, pairs, pictures: table.pictures };
}

const idOf = ({ file, row }: TableRow, first?: string, second?: string) =>
  first === undefined || second === undefined
    ? `${basename(file.path)}:${row}`
    : `${first}|${second}`;
