/** Preference pairs for training: comparisons with a winner, in a known order, and where each one came from. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { numpyPermutation } from '../random';
import { decodeImage, PictureError, type RgbImage } from './image';
import { openPreferenceFile, type PreferenceFile, preferenceColumn } from './pickapic';
import { type PictureColumn, PictureFiles } from './picture-files';

/** A comparison that was decided. */
export interface PreferencePair {
  readonly caption: string;
  /** The column of the preferred picture: `label_0` 1 → `jpg_0`, 0 → `jpg_1`. */
  readonly winner: PictureColumn;
  readonly loser: PictureColumn;
  readonly file: PreferenceFile;
  /** Position in the file, counted from 0. */
  readonly row: number;
  readonly rowGroup: number;
  readonly rowInGroup: number;
}

/** What became of the rows; `ties` have label ½, `unlabelled` no label or one that says nothing. */
export interface PairCounts {
  readonly total: number;
  readonly kept: number;
  readonly ties: number;
  readonly unlabelled: number;
}

export interface PreferencePairs {
  readonly pairs: readonly PreferencePair[];
  readonly counts: PairCounts;
  readonly pictures: PictureFiles;
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
  { split = 'train', maxTrainSamples, seed = 0 }: PairOptions = {},
): Promise<PreferencePairs> {
  const paths = typeof source === 'string' ? preferenceFiles(source, split) : source;
  const pairs: PreferencePair[] = [];
  const counts = { total: 0, kept: 0, ties: 0, unlabelled: 0 };
  for (const path of paths) {
    const file = await openPreferenceFile(path);
    let firstRow = 0;
    for (const [rowGroup, rows] of file.rows.entries()) {
      const labels = await preferenceColumn(file, 'label_0', rowGroup);
      const captions = await preferenceColumn(file, 'caption', rowGroup);
      for (const [rowInGroup, label] of labels.entries()) {
        counts.total++;
        if (label === 0 || label === 1) {
          const caption = captions[rowInGroup] as string;
          const position = { file, row: firstRow + rowInGroup, rowGroup, rowInGroup };
          pairs.push({ caption, ...order(label), ...position });
        } else if (label === 0.5) counts.ties++;
        else counts.unlabelled++;
      }
      firstRow += rows;
    }
  }
  counts.kept = pairs.length;
  if (pairs.length === 0) throw new RangeError(`No pair has a winner (${describeCounts(counts)}).`);
  const pictures = new PictureFiles();
  if (maxTrainSamples === undefined) return { pairs, counts, pictures };
  return { pairs: choice(pairs, maxTrainSamples, seed), counts, pictures };
}

/** `kept 21 of 25, 2 ties`, and the unlabelled where there are some. */
export function describeCounts({ total, kept, ties, unlabelled }: PairCounts): string {
  const rest = unlabelled > 0 ? `, ${unlabelled} without a label` : '';
  return `kept ${kept} of ${total}, ${ties} ${ties === 1 ? 'tie' : 'ties'}${rest}`;
}

/**
 * The files of one split, sorted by name.
 *
 * @throws RangeError if there are none.
 */
export function preferenceFiles(source: string, split: string): string[] {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (!stats) throw new RangeError(`The data set "${source}" does not exist.`);
  if (stats.isFile()) return [source];
  for (const folder of [join(source, 'data'), source]) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const names = readdirSync(folder).filter((name) => isOfSplit(name, split));
    if (names.length > 0) return names.sort().map((name) => join(folder, name));
  }
  throw new RangeError(`The data set "${source}" has no file "data/${split}-*.parquet".`);
}

/** One picture of a pair, decoded. @throws PictureError that names row, column and file. */
export async function pairPicture(
  { pictures }: PreferencePairs,
  { file, row, rowGroup, rowInGroup }: PreferencePair,
  column: PictureColumn,
): Promise<RgbImage> {
  const bytes = await pictures.get(file, column, rowGroup, rowInGroup);
  try {
    return await decodeImage(bytes);
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new PictureError(`Row ${row}, column "${column}" of "${file.path}": ${error.message}`);
  }
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

function order(label: 0 | 1): Pick<PreferencePair, 'winner' | 'loser'> {
  return label === 1 ? { winner: 'jpg_0', loser: 'jpg_1' } : { winner: 'jpg_1', loser: 'jpg_0' };
}

function choice(pairs: readonly PreferencePair[], count: number, seed: number): PreferencePair[] {
  if (!Number.isInteger(count) || count < 1 || count > pairs.length) {
    throw new RangeError(`maxTrainSamples is ${count}, but there are ${pairs.length} pairs.`);
  }
  const chosen = numpyPermutation(seed, pairs.length).subarray(0, count);
  return Array.from(chosen, (i) => pairs[i] as PreferencePair);
}

function isOfSplit(name: string, split: string): boolean {
  return name === `${split}.parquet` || (name.startsWith(`${split}-`) && name.endsWith('.parquet'));
}
