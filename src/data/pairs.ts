/** Preference pairs for training: comparisons with a winner, in a known order, and where each one came from. */
import { existsSync } from 'node:fs';
import { PictureError } from './image';
import type { PictureColumn } from './picture-files';
import { chooseRows, pairPicture, type TrainingData, type TrainingRow } from './rows';
import { parquetTable, splitFiles, type Table, type TableRow } from './tables';

/** A comparison that was decided. */
export interface PreferencePair extends TrainingRow {
  readonly caption: string;
  /** The column of the preferred picture: `label_0` 1 → `jpg_0`, 0 → `jpg_1`. */
  readonly winner: PictureColumn;
  readonly loser: PictureColumn;
}

/** What became of the rows: each is kept or counted once elsewhere. */
export interface PairCounts {
  readonly total: number;
  readonly kept: number;
  /** Label ½. */
  readonly ties: number;
  /** No label, or one that says nothing. */
  readonly unlabelled: number;
  /** Left out by `dreamlikePairsOnly`. */
  readonly notDreamlike: number;
  /** Left out by `maxTrainSamples`. */
  readonly notChosen: number;
}

export interface PreferencePairs extends TrainingData {
  readonly pairs: readonly PreferencePair[];
  readonly counts: PairCounts;
}

export interface PairOptions {
  /** Which files of a folder: `train` finds `train-*.parquet`. @default 'train' */
  readonly split?: string;
  /** Keeps a random choice of this many pairs, in shuffled order: `dataset.shuffle(seed).select(range(n))`. */
  readonly maxTrainSamples?: number;
  /** Of that choice. @default 0 */
  readonly seed?: number;
}

/**
 * Opens a data set: a folder with `data/<split>-*.parquet`, one parquet file, or a list of files. Comparisons without a
 * winner are left out and counted; the others keep the files' order. Upstream: train.py's filter on `label_0`.
 *
 * @throws ParquetError if a file cannot be read.
 * @throws RangeError if no file is found, no pair is left, or fewer than `maxTrainSamples`.
 */
export async function openPairs(
  source: string | readonly string[],
  { split = 'train', ...options }: PairOptions = {},
): Promise<PreferencePairs> {
  const paths = typeof source === 'string' ? preferenceFiles(source, split) : source;
  const { pairs, ...rest } = await readPairs(await parquetTable(paths), options);
  return { pairs: pairs.map(withOneCaption), ...rest };
}

/**
 * The parquet files of one split, sorted by name: `data/<split>-*.parquet` of a folder, or the one file named.
 *
 * @throws RangeError if there are none.
 */
export function preferenceFiles(source: string, split: string): string[] {
  const files = splitFiles(source, split);
  if (files) return files;
  if (!existsSync(source)) {
    throw new RangeError(`The data set "${source}" does not exist.`);
  }
  throw new RangeError(`The data set "${source}" has no file "data/${split}-*.parquet".`);
}

export interface PairReading extends Omit<PairOptions, 'split'> {
  /** @default 'caption' */
  readonly captionColumn?: string;
  /** What a label that is neither 0 nor 1 does; the original has both, by the data set's name. @default 'left out' */
  readonly ties?: 'left out' | 'won by jpg_0';
  /** `dreamlike`: 'dream' is in `model_0` and `model_1`. @default 'any' */
  readonly generators?: 'any' | 'dreamlike';
}

/** The pairs of a table. @throws as `openPairs` does. */
export async function readPairs(
  table: Table,
  options: PairReading = {},
): Promise<TrainingData & { readonly counts: PairCounts }> {
  const { captionColumn = 'caption', ties = 'left out', generators = 'any' } = options;
  const { maxTrainSamples, seed = 0 } = options;
  const models = generators === 'dreamlike' ? ['model_0', 'model_1'] : [];
  const counts = { total: 0, kept: 0, ties: 0, unlabelled: 0, notDreamlike: 0, notChosen: 0 };
  const [pairs, undecided]: [TrainingRow[], TrainingRow[]] = [[], []];
  requireColumns(table, ['jpg_0', 'jpg_1', 'label_0', captionColumn, ...models]);
  for await (const row of table.rows(['label_0', captionColumn, ...models])) {
    const [value, caption, ...madeBy] = row.values;
    counts.total++;
    const label = decided(labelOf(value), ties);
    const isMeant = madeBy.every(isDreamlike);
    if (label === 0.5) {
      counts.ties++;
      if (isMeant && typeof caption === 'string')
        undecided.push({ caption, ...order(1), ...at(row) });
    } else if (label === undefined) counts.unlabelled++;
    else if (!isMeant) counts.notDreamlike++;
    else
      pairs.push({ caption: rowCaption(row, captionColumn, caption), ...order(label), ...at(row) });
  }
  counts.kept = pairs.length;
  if (pairs.length === 0) throw new RangeError(`No pair has a winner (${describeCounts(counts)}).`);
  const { pictures } = table;
  if (maxTrainSamples === undefined) return { pairs, counts, pictures, undecided };
  const chosen = chooseRows(pairs, maxTrainSamples, seed);
  const notChosen = pairs.length - chosen.length;
  return { pairs: chosen, counts: { ...counts, kept: chosen.length, notChosen }, pictures };
}

/** `kept 21 of 25, 2 ties`, and the others where there are some. */
export function describeCounts(counts: PairCounts): string {
  const { total, kept, ties, unlabelled, notDreamlike, notChosen } = counts;
  const rest = [
    [unlabelled, 'without a label'],
    [notDreamlike, 'not by two dreamlike models'],
    [notChosen, 'not chosen'],
  ] as const;
  const named = rest.filter(([n]) => n > 0).map(([n, what]) => `, ${n} ${what}`);
  return `kept ${kept} of ${total}, ${ties} ${ties === 1 ? 'tie' : 'ties'}${named.join('')}`;
}

/** Decodes every picture once, leaves out pairs with a damaged one, and says what was wrong with each. */
export async function withoutDamaged(
  data: PreferencePairs,
): Promise<{ readonly data: PreferencePairs; readonly damaged: readonly string[] }> {
  const damaged: string[] = [];
  const pairs: PreferencePair[] = [];
  for (const pair of data.pairs) {
    try {
      for (const column of ['jpg_0', 'jpg_1'] as const) await pairPicture(data, pair, column);
      pairs.push(pair);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      damaged.push(error.message);
    }
  }
  return { data: { ...data, pairs }, damaged };
}

/** Position of a row, without its values. */
export const at = ({ file, row, rowGroup, rowInGroup }: TableRow) => ({
  file,
  row,
  rowGroup,
  rowInGroup,
});

/** @throws RangeError in the words of the original, if a caption is neither text nor a list of texts. */
export function rowCaption({ file, row }: TableRow, column: string, value: unknown) {
  if (typeof value === 'string') return value;
  const isList = Array.isArray(value) && value.length > 0;
  if (isList && value.every((text) => typeof text === 'string')) return value as readonly string[];
  throw new RangeError(
    `Row ${row} of "${file.path}": caption column "${column}" should contain either strings or lists of strings.`,
  );
}

/** @throws RangeError that lists the columns there are. */
export function requireColumns({ columns }: Table, names: readonly string[]) {
  const missing = names.find((name) => !columns.includes(name));
  if (missing === undefined) return;
  throw new RangeError(
    `The data set has no column "${missing}"; it needs to be one of: ${columns.join(', ')}.`,
  );
}

function order(label: 0 | 1): Pick<PreferencePair, 'winner' | 'loser'> {
  return label === 1 ? { winner: 'jpg_0', loser: 'jpg_1' } : { winner: 'jpg_1', loser: 'jpg_0' };
}

function labelOf(value: unknown): number | undefined {
  const isText = typeof value === 'string' && value.trim() !== ''; // a cell of a CSV file
  return typeof value === 'number' || typeof value === 'bigint' || isText
    ? Number(value)
    : undefined;
}

/** Whose a label is: 0, 1, ½ for nobody's, or nothing. Upstream: `label_0==0` swaps a pair, whatever else it is. */
function decided(label: number | undefined, ties: PairReading['ties']): 0 | 0.5 | 1 | undefined {
  if (label === 0 || label === 1) return label;
  if (ties === 'won by jpg_0') return 1;
  return label === 0.5 ? label : undefined;
}

function isDreamlike(model: unknown): boolean {
  return typeof model === 'string' && model.includes('dream');
}

function withOneCaption(pair: TrainingRow): PreferencePair {
  if (typeof pair.caption === 'string') return pair as PreferencePair;
  throw new RangeError(`Row ${pair.row} of "${pair.file.path}" has more than one caption.`);
}
