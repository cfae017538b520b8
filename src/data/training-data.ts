/** The data that train.py's flags name: opened, filtered and counted. Upstream: train.py, DATASET block. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DownloadPlan } from '../hub/remote/plan-download';
import { isRepoName } from '../hub/remote/repo-name';
import { unknownName } from '../hub/remote/resolve';
import { type HubDataOptions, hubSplit, planHubSplit } from './hub-data';
import { type FolderOrder, imageFolder, metadataFiles } from './image-folder';
import { asPairs, ownTable } from './own-tables';
import {
  at,
  type PairCounts,
  type PairReading,
  readPairs,
  requireColumns,
  rowCaption,
} from './pairs';
import { chooseRows, type TrainingData, type TrainingRow } from './rows';
import { parquetTable, splitFiles, type Table } from './tables';

export interface TrainingDataOptions {
  /** A local folder, a parquet file, a list of pairs (.jsonl, .csv), a file of labels, or `owner/name` of the hub. */
  readonly datasetName?: string;
  /** A folder inside the data set; `default` is the data set itself. */
  readonly datasetConfigName?: string;
  /**
   * A folder of its own, or a file as above; of parquet files, pictures, or pairs in `w/` and `l/`. With `datasetName`, a
   * folder inside that.
   */
  readonly trainDataDir?: string;
  /** @default 'train' */
  readonly split?: string;
  /** Both pictures of comparisons (DPO), or one picture a row (SFT). @default 'dpo' */
  readonly trainMethod?: 'dpo' | 'sft';
  readonly maxTrainSamples?: number;
  /** Of `maxTrainSamples`' choice. @default 0 */
  readonly seed?: number;
  readonly dreamlikePairsOnly?: boolean;
  /** Of data without comparisons. @default 'image' */
  readonly imageColumn?: string;
  /** @default 'caption' */
  readonly captionColumn?: string;
  /** Of the preferred picture, which then won every pair. @default 'chosen', where there is no `jpg_0` */
  readonly chosenColumn?: string;
  /** @default 'rejected' */
  readonly rejectedColumn?: string;
  /**
   * `repo`: the original's filters apply to a `datasetName` with "pickapic"; under another, every label but 0 lets
   * `jpg_0` win, and `dreamlikePairsOnly` does nothing. A `trainDataDir` alone, at whose missing name the original ends
   * with an error, is taken for Pick-a-Pic, whose columns it has. `fixed`: they always apply. @default 'fixed'
   */
  readonly parity?: 'repo' | 'fixed';
  /** How to reach the hub, where `datasetName` is `owner/name` of it. */
  readonly hub?: HubDataOptions;
}

export interface OpenedTrainingData extends TrainingData {
  readonly counts: PairCounts;
}

/**
 * Opens what the flags name.
 *
 * @throws RangeError in one sentence if it is not there, lacks a column, or no row is left.
 * @throws ParquetError if a file cannot be read.
 * @throws HubError where the hub or the network refuse.
 */
export async function openTrainingData(options: TrainingDataOptions): Promise<OpenedTrainingData> {
  const { trainMethod = 'dpo', parity = 'fixed', datasetName, captionColumn } = options;
  const order = parity === 'repo' ? 'path order' : 'metadata order';
  const table = await openTable(options, order);
  const comparisons = ['jpg_0', 'jpg_1', 'label_0'].every((name) => table.columns.includes(name));
  if (trainMethod === 'sft' && !comparisons) return readPictures(table, options);

  const filtered = parity === 'fixed' || (datasetName?.includes('pickapic') ?? true);
  const { maxTrainSamples, seed, dreamlikePairsOnly = false } = options;
  const reading: PairReading = {
    ties: filtered ? 'left out' : 'won by jpg_0',
    generators: filtered && dreamlikePairsOnly ? 'dreamlike' : 'any',
    ...(captionColumn === undefined ? {} : { captionColumn }),
    ...(maxTrainSamples === undefined ? {} : { maxTrainSamples }),
    ...(seed === undefined ? {} : { seed }),
  };
  return readPairs(table, reading);
}

async function openTable(options: TrainingDataOptions, order: FolderOrder): Promise<Table> {
  const { chosenColumn: chosen, rejectedColumn: rejected } = options;
  const table = await storedTable(options, order);
  return asPairs(table, {
    ...(chosen === undefined ? {} : { chosen }),
    ...(rejected === undefined ? {} : { rejected }),
  });
}

async function storedTable(options: TrainingDataOptions, order: FolderOrder): Promise<Table> {
  const { split = 'train' } = options;
  const remote = await remoteData(options);
  if (remote && 'files' in remote) return parquetTable(remote.files);
  const folder = remote?.folder ?? dataFolder(options);
  const own = await ownTable(folder);
  if (own) return own;
  const files = splitFiles(folder, split);
  if (files) return parquetTable(files);
  const ofSplit = join(folder, split);
  // `--train_data_dir` alone gives the split everything below it; a data set keeps a split in a folder of its name
  const splits = options.datasetName !== undefined && metadataFiles(ofSplit).length > 0;
  const pictures = splits ? ofSplit : folder;
  if (metadataFiles(pictures).length > 0) return imageFolder(pictures, order);
  throw new RangeError(
    `The data set "${folder}" has neither "data/${split}-*.parquet" nor pictures with metadata.jsonl or metadata.csv.`,
  );
}

/**
 * What of the hub {@link openTrainingData} would fetch at the most; nothing is planned for what is on this disk.
 * @throws HubError where the hub or the network refuse
 */
export async function planTrainingData(
  options: TrainingDataOptions,
): Promise<DownloadPlan | undefined> {
  const remote = remotePlace(options);
  return remote && planHubSplit(remote.name, remote, options.hub);
}

async function remoteData(options: TrainingDataOptions) {
  const remote = remotePlace(options);
  return remote && hubSplit(remote.name, remote, options.hub);
}

/** Where on the hub the data set is, unless its name is that of something on this disk. */
function remotePlace(options: TrainingDataOptions) {
  const { datasetName: name, datasetConfigName: config, trainDataDir, split = 'train' } = options;
  if (name === undefined || statSync(name, { throwIfNoEntry: false })) return undefined;
  if (!isRepoName(name)) throw unknownName(name);
  const inside = [config === 'default' ? undefined : config, trainDataDir];
  return { name, split, inside: inside.filter((part) => part !== undefined).join('/') };
}

function dataFolder({ datasetName, datasetConfigName, trainDataDir }: TrainingDataOptions): string {
  const root = datasetName ?? trainDataDir;
  if (root === undefined) {
    throw new RangeError('Training needs data: give datasetName or trainDataDir.');
  }
  if (!statSync(root, { throwIfNoEntry: false })) {
    throw new RangeError(
      datasetName === undefined
        ? `The folder "${root}" does not exist.`
        : `The data set "${root}" does not exist.`,
    );
  }
  const config = datasetConfigName === 'default' ? undefined : datasetConfigName;
  const inside = [config, datasetName === undefined ? undefined : trainDataDir];
  const folder = join(root, ...inside.filter((name): name is string => name !== undefined));
  if (statSync(folder, { throwIfNoEntry: false })) return folder;
  throw new RangeError(`The data set "${root}" has no folder "${folder}".`);
}

/** One picture and its caption a row, all of them kept. */
async function readPictures(
  table: Table,
  options: TrainingDataOptions,
): Promise<OpenedTrainingData> {
  const { imageColumn = 'image', captionColumn = 'caption', maxTrainSamples, seed = 0 } = options;
  requireColumns(table, [imageColumn, captionColumn]);
  const all: TrainingRow[] = [];
  for await (const row of table.rows([captionColumn])) {
    const caption = rowCaption(row, captionColumn, row.values[0]);
    all.push({ caption, winner: imageColumn, ...at(row) });
  }
  if (all.length === 0) throw new RangeError('The data set has no row.');
  const pairs = maxTrainSamples === undefined ? all : chooseRows(all, maxTrainSamples, seed);
  const counts = { ties: 0, unlabelled: 0, notDreamlike: 0, notChosen: all.length - pairs.length };
  const { pictures } = table;
  return { pairs, counts: { total: all.length, kept: pairs.length, ...counts }, pictures };
}
