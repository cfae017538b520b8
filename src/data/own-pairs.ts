/** Pairs of one's own, looked through before anything is trained on them, and written as Pick-a-Pic's files. */
import { join } from 'node:path';
import { writeFolderAtomically } from '../hub/atomic';
import { decodeImage, MissingPictureError, PictureError } from './image';
import { digestOf } from './labelled-pairs';
import { type PairColumns, pairTable } from './own-tables';
import {
  at,
  type PairCounts,
  type PreferencePair,
  type PreferencePairs,
  requireColumns,
} from './pairs';
import type { PreferenceRow } from './pickapic';
import { writePreferencePairs } from './pickapic-writer';
import { pictureBytes } from './rows';
import type { Table, TableRow } from './tables';

/** What became of the rows that are no pairs to train on; each is counted once. */
export interface PairFaults {
  /** A picture is not there. */
  readonly missing: number;
  /** A picture is damaged, too large or of a kind that is not read. */
  readonly unreadable: number;
  readonly withoutCaption: number;
  /** The same winner and loser for the same text as in a row before. */
  readonly duplicates: number;
  /** Kept all the same: the two pictures differ in size, and are cut to the same square. */
  readonly sizesDiffer: number;
}

export interface OwnPair extends PreferencePair {
  /** Who drew `jpg_0` and `jpg_1`, where that is known. */
  readonly models: readonly [string | undefined, string | undefined];
}

export interface OwnPairs extends PreferencePairs {
  readonly pairs: readonly OwnPair[];
  /** Both pictures the same is a tie too. */
  readonly counts: PairCounts;
  readonly faults: PairFaults;
  /** A sentence for each row that was left out or is odd, in the order of the rows. */
  readonly problems: readonly string[];
}

export interface OwnPairsOptions {
  /** Of a folder of parquet files. @default 'train' */
  readonly split?: string;
  /** Of parquet files. */
  readonly columns?: PairColumns;
}

/**
 * Opens pairs in any of their forms and looks at every picture of them once.
 *
 * @throws RangeError where there are none, or where a list is malformed or names paths outside its folder
 */
export async function openOwnPairs(
  source: string,
  options: OwnPairsOptions = {},
): Promise<OwnPairs> {
  const table = await pairTable(source, options);
  requireColumns(table, ['jpg_0', 'jpg_1', 'label_0', 'caption']);
  const models = ['model_0', 'model_1'].filter((name) => table.columns.includes(name));
  const seen = new Inspection(table);
  for await (const row of table.rows(['caption', 'label_0', ...models])) await seen.add(row);
  return seen.result();
}

type Fault = keyof PairFaults | 'ties' | 'unlabelled';

/** Sorts rows into pairs and faults. */
class Inspection {
  private readonly pairs: OwnPair[] = [];
  private readonly problems: string[] = [];
  private readonly known = new Map<string, number>();
  private readonly found = new Map<Fault, number>();
  private total = 0;

  constructor(private readonly table: Table) {}

  async add(row: TableRow): Promise<void> {
    this.total++;
    const [caption, label, ...models] = row.values;
    if (typeof caption !== 'string') return this.count('withoutCaption', row, 'has no caption');
    const label0 = Number(label ?? Number.NaN);
    if (![0, 0.5, 1].includes(label0)) return this.count('unlabelled', row, 'has no label');
    const names = label0 === 0 ? (['jpg_1', 'jpg_0'] as const) : (['jpg_0', 'jpg_1'] as const);
    const [winner, loser] = names;
    const named = [models[0], models[1]].map((name) => (name === null ? undefined : name));
    const ofModels = named as unknown as OwnPair['models'];
    const pair: OwnPair = { caption, winner, loser, models: ofModels, ...at(row) };
    const pictures = await this.look(pair);
    if (!pictures) return;
    if (label0 === 0.5) return this.count('ties', row, 'is a tie');
    if (pictures.digests[0] === pictures.digests[1])
      return this.count('ties', row, 'has the same picture twice');
    const first = this.known.get([caption, ...pictures.digests].join('\0'));
    if (first !== undefined) return this.count('duplicates', row, `repeats row ${first}`);
    this.known.set([caption, ...pictures.digests].join('\0'), row.row);
    if (pictures.sizes[0] !== pictures.sizes[1])
      this.count('sizesDiffer', row, `has pictures of ${pictures.sizes.join(' and ')}`);
    this.pairs.push(pair);
  }

  /** Digests and sizes of winner and loser; nothing where one cannot be read, which is counted. */
  private async look(pair: OwnPair) {
    const [digests, sizes]: [string[], string[]] = [[], []];
    for (const column of [pair.winner, pair.loser]) {
      try {
        const bytes = await this.table.pictures.get(pair, column);
        const { width, height } = await decodeImage(bytes);
        digests.push(digestOf(bytes));
        sizes.push(`${width}×${height}`);
      } catch (error) {
        if (!(error instanceof PictureError)) throw error;
        const fault = error instanceof MissingPictureError ? 'missing' : 'unreadable';
        this.count(fault, pair, `lacks "${column}": ${error.message.replace(/\.$/, '')}`);
        return undefined;
      }
    }
    return { digests, sizes };
  }

  private count(fault: Fault, { file, row }: Pick<TableRow, 'file' | 'row'>, what: string): void {
    this.found.set(fault, (this.found.get(fault) ?? 0) + 1);
    this.problems.push(`Row ${row} of "${file.path}" ${what}.`);
  }

  result(): OwnPairs {
    const { pairs, problems, total, found } = this;
    const of = (fault: Fault) => found.get(fault) ?? 0;
    const counts: PairCounts = {
      ...{ total, kept: pairs.length, ties: of('ties'), unlabelled: of('unlabelled') },
      ...{ notDreamlike: 0, notChosen: 0 },
    };
    const faults: PairFaults = {
      ...{ missing: of('missing'), unreadable: of('unreadable') },
      ...{ withoutCaption: of('withoutCaption'), duplicates: of('duplicates') },
      sizesDiffer: of('sizesDiffer'),
    };
    if (pairs.length === 0) {
      throw new RangeError(
        `No pair can be trained on (${describeFaults({ counts, faults })}). ${problems[0] ?? ''}`,
      );
    }
    return { pairs, pictures: this.table.pictures, counts, faults, problems };
  }
}

/** `kept 21 of 25`, and what became of the others. */
export function describeFaults({ counts, faults }: Pick<OwnPairs, 'counts' | 'faults'>): string {
  const rest = [
    [counts.ties, 'tied'],
    [counts.unlabelled, 'without a label'],
    [faults.missing, 'with a picture missing'],
    [faults.unreadable, 'with a picture that cannot be read'],
    [faults.withoutCaption, 'without a caption'],
    [faults.duplicates, 'told before'],
    [faults.sizesDiffer, 'kept with pictures of two sizes'],
  ] as const;
  const named = rest.filter(([n]) => n > 0).map(([n, what]) => `, ${n} ${what}`);
  return `kept ${counts.kept} of ${counts.total}${named.join('')}`;
}

export interface WriteOwnPairsOptions {
  /** @default 'train' */
  readonly split?: string;
  /** In a file; the pictures of one file are in memory together. @default 1000 */
  readonly rowsPerFile?: number;
  /** What to do with pairs that are in the folder already. @default 'refuse' */
  readonly existing?: 'refuse' | 'replace';
}

/**
 * Writes pairs with Pick-a-Pic v2's columns to `data/<split>-*.parquet` of a folder, whole or not at all: what `train`
 * and `openPairs` take as a data set, and Python's `datasets`.
 *
 * @throws PictureError that names the row whose picture cannot be read
 * @throws Error where the folder has pairs already and they are not to be replaced
 */
export async function writeOwnPairs(
  folder: string,
  data: PreferencePairs,
  { split = 'train', rowsPerFile = 1000, existing = 'refuse' }: WriteOwnPairsOptions = {},
): Promise<void> {
  const files = Math.ceil(data.pairs.length / rowsPerFile);
  const five = (n: number) => String(n).padStart(5, '0');
  const write = async (temporary: string) => {
    for (let file = 0; file < files; file++) {
      const from = file * rowsPerFile;
      const rows: PreferenceRow[] = [];
      for (const [i, pair] of data.pairs.slice(from, from + rowsPerFile).entries())
        rows.push(await preferenceRow(data, pair, from + i));
      const name = `${split}-${five(file)}-of-${five(files)}.parquet`;
      writePreferencePairs(join(temporary, name), rows);
    }
  };
  await writeFolderAtomically(join(folder, 'data'), write, { existing });
}

async function preferenceRow(
  data: PreferencePairs,
  pair: PreferencePair & Partial<OwnPair>,
  index: number,
): Promise<PreferenceRow> {
  const [jpg_0, jpg_1] = [
    await pictureBytes(data, pair, 'jpg_0'),
    await pictureBytes(data, pair, 'jpg_1'),
  ];
  const [model_0, model_1] = pair.models ?? [];
  const uids = [`${index}-0`, `${index}-1`] as const;
  const first = pair.winner === 'jpg_0';
  return {
    ...{ are_different: true, has_label: true, best_image_uid: uids[first ? 0 : 1] },
    ...{ caption: pair.caption, jpg_0, jpg_1, image_0_uid: uids[0], image_1_uid: uids[1] },
    ...{ label_0: first ? 1 : 0, label_1: first ? 0 : 1 },
    ...(model_0 === undefined ? {} : { model_0 }),
    ...(model_1 === undefined ? {} : { model_1 }),
    ...{ ranking_id: index, user_id: 0, num_example_per_prompt: 1, __index_level_0__: index },
  };
}
