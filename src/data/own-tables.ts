/** Pairs of one's own, in whatever of these forms they lie: told by what is there, never by a name. */
import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { candidateFolder, candidateTable, isCandidateFolder } from './candidates';
import { withConstant, withNames } from './file-table';
import { imageFolder, metadataFiles } from './image-folder';
import { isLabelFile, type Labels, readLabels } from './label-file';
import { type LabelChoice, labelledTable, pairsOfLabels, placeOf } from './labelled-pairs';
import { isPairFolder, pairFolders } from './pair-folders';
import { pairList } from './pair-list';
import { type PreferencePair, type PreferencePairs, readPairs } from './pairs';
import { parquetTable, splitFiles, type Table } from './tables';
import { type UnlabelledPair, type UnlabelledPairs, unlabelledPairs } from './unlabelled-pairs';

/** Under which names a table has what a pair needs. */
export interface PairColumns {
  /** @default 'caption', or 'prompt' where only that is there */
  readonly caption?: string;
  /** The preferred picture. @default 'chosen', where there is no `jpg_0` */
  readonly chosen?: string;
  /** @default 'rejected' */
  readonly rejected?: string;
}

/**
 * A list in JSON lines or CSV, a folder with `w/` and `l/`, a folder of candidates, or a file of labels with the pairs that
 * it names; undefined where it is none of these.
 *
 * @throws RangeError that names the file and row of what is malformed
 */
export async function ownTable(source: string): Promise<Table | undefined> {
  if (isFile(source) && endingOf(source) === '.jsonl' && isLabelFile(source)) {
    const labels = readLabels(source);
    return labelledTable(await pairsOf(labels), labels);
  }
  return unlabelledTable(source);
}

function unlabelledTable(source: string): Table | undefined {
  if (isFile(source)) {
    const folder = candidateFolder(source);
    if (folder !== source) return candidateTable(folder);
    return ['.jsonl', '.csv'].includes(endingOf(source)) ? pairList(source) : undefined;
  }
  if (isCandidateFolder(source)) return candidateTable(source);
  return isPairFolder(source) ? pairFolders(source) : undefined;
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const endingOf = (path: string) => extname(path).toLowerCase();

/** The table of any of these forms, of parquet files, or of a folder with metadata. @throws RangeError if it is none */
export async function pairTable(
  source: string,
  { split = 'train', columns }: { readonly split?: string; readonly columns?: PairColumns } = {},
): Promise<Table> {
  const own = await ownTable(source);
  if (own) return own;
  return parquetOrFolder(source, split, columns);
}

async function parquetOrFolder(source: string, split: string, columns?: PairColumns) {
  const files = splitFiles(source, split);
  if (files) return asPairs(await parquetTable(files), columns);
  if (metadataFiles(source).length > 0) return imageFolder(source);
  throw new RangeError(
    `"${source}" has no pairs: neither a list (.jsonl, .csv), nor w/ and l/, candidates.jsonl, metadata.jsonl or data/${split}-*.parquet.`,
  );
}

/** Pairs to be labelled, or those of a file of labels, without what was answered. @throws RangeError */
export async function openUnlabelled(source: string): Promise<UnlabelledPairs> {
  const table = unlabelledTable(source) ?? (await parquetOrFolder(source, 'train'));
  return unlabelledPairs(source, table);
}

/** The pairs that labels are of. */
export const pairsOf = (labels: Labels): Promise<UnlabelledPairs> =>
  openUnlabelled(pairsOfLabels(labels));

/** A table of pairs under Pick-a-Pic's names: of `chosen` and `rejected` the first won. Others stay as they are. */
export function asPairs(table: Table, columns: PairColumns = {}): Table {
  const has = (name: string) => table.columns.includes(name);
  const { chosen = 'chosen', rejected = 'rejected' } = columns;
  const isTold = (columns.chosen ?? columns.rejected) !== undefined;
  const areThere = has(chosen) && has(rejected);
  if (!areThere && isTold) {
    throw new RangeError(
      `The data set has no column "${has(chosen) ? rejected : chosen}"; it has ${table.columns.join(', ')}.`,
    );
  }
  const caption = columns.caption ?? (has('caption') ? 'caption' : 'prompt');
  const captioned = has(caption) ? withNames(table, { caption }) : table;
  if (!areThere || (!isTold && has('jpg_0'))) return captioned;
  const named = withNames(captioned, { jpg_0: chosen, jpg_1: rejected });
  return !isTold && has('label_0') ? named : withConstant(named, 'label_0', 1);
}

/** Pairs and who drew their pictures, where that is known. */
export interface LabelledPairs extends PreferencePairs {
  readonly pairs: readonly (PreferencePair & Pick<UnlabelledPair, 'models'>)[];
}

/**
 * The pairs of a file of labels, ties left out and counted; `writeOwnPairs` makes Pick-a-Pic's parquet of them, and `train`
 * takes the file itself.
 *
 * @throws RangeError where no pair has a winner, a label is of no pair, or a picture is another than was shown
 */
export async function labelledPairs(
  source: string | Labels,
  choice: LabelChoice = {},
): Promise<LabelledPairs> {
  const labels = typeof source === 'string' ? readLabels(source) : source;
  const all = await pairsOf(labels);
  const data = await readPairs(labelledTable(all, labels, choice));
  const models = new Map(all.pairs.map((pair) => [placeOf(pair), pair.models]));
  const pairs = data.pairs.map((pair) => ({ ...pair, models: models.get(placeOf(pair)) }));
  return { ...data, pairs } as LabelledPairs; // captions are single texts: `unlabelledPairs` saw to it
}
