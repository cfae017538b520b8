/** Folders and names of the hub in the training options, looked at before anything is loaded. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repoFileName } from '../hub/remote/file-names';
import { isRepoName } from '../hub/remote/repo-name';
import { type ConditioningRule, STABLE_DIFFUSION } from '../models/conditioning';
import { isSelectorName, SELECTOR_NAMES } from '../scoring/selector-names';
import type { TrainOptions } from './options';
import { switchesOf } from './parity';

/** Where a model or a data set is: on this disk, or on the hub under `owner/name`, `name` or the name of a file in it. */
export type Place =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'hub'; readonly name: string };

const HUB_NAME = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;

const kindOf = (path: string) => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() ? 'folder' : stats ? 'file' : 'nothing';
};

/**
 * What is on the disk goes before the hub, as in diffusers and datasets.
 * @throws RangeError for what is neither there nor a name
 */
export function placeOf(flag: string, value: string): Place {
  if (kindOf(value) !== 'nothing') return { kind: 'local', path: value };
  if (HUB_NAME.test(value) || repoFileName(value)) return { kind: 'hub', name: value };
  throw new RangeError(
    `--${flag} is "${value}": no such folder or file is there, and it is no name on the hub (owner/name).`,
  );
}

/**
 * Checks every path that can be checked without reading it.
 * @throws RangeError naming the flag, the path and what is missing
 */
export function checkPaths(options: TrainOptions): void {
  const model = options.pretrainedModelNameOrPath;
  checkModel('pretrained_model_name_or_path', model, 'unet/config.json');
  checkModel('unet_init', options.unetInit, 'unet/config.json');
  checkModel(
    'pretrained_vae_model_name_or_path',
    options.pretrainedVaeModelNameOrPath ?? '',
    'config.json',
  );
  checkConfig(options);
  checkData(options);
  for (const [flag, path] of [
    ['output_dir', options.outputDir],
    ['cache_dir', options.cacheDir ?? ''],
  ])
    if (path === '' ? flag === 'output_dir' : kindOf(path ?? '') === 'file')
      throw new RangeError(`--${flag} is "${path}"; give a folder, which need not exist.`);
  checkChoiceModel(options);
  checkCheckpoint(options);
}

/**
 * The original has no other way to know the family than the flag.
 * @throws RangeError where the folder is of another
 */
export function checkFamily(
  folder: string,
  { added }: ConditioningRule = STABLE_DIFFUSION,
  { sdxl }: TrainOptions,
): void {
  const isSdxl = added !== 'none';
  if (isSdxl === sdxl) return;
  throw new RangeError(
    `"${folder}" is ${isSdxl ? 'an SDXL pipeline; add' : 'no SDXL pipeline; leave out'} --sdxl.`,
  );
}

function checkModel(flag: string, value: string, file: string): void {
  if (value === '' && flag !== 'pretrained_model_name_or_path') return;
  const place = placeOf(flag, value);
  if (
    place.kind === 'local' &&
    kindOf(place.path) === 'folder' &&
    kindOf(join(place.path, file)) !== 'file'
  )
    throw new RangeError(`--${flag} is "${value}": it has no ${file}.`);
}

/** The folder that tells what a single file is. */
function checkConfig({ config = '', pretrainedModelNameOrPath: model }: TrainOptions): void {
  if (config === '') return;
  checkModel('config', config, 'unet/config.json');
  if (kindOf(config) === 'file')
    throw new RangeError(`--config is "${config}", a file; give the folder of a pipeline.`);
  if (kindOf(model) === 'folder')
    throw new RangeError(
      `--config is "${config}", but "${model}" is a folder, which has configs of its own; leave it out.`,
    );
}

function checkData({ datasetName, trainDataDir }: TrainOptions): void {
  if (datasetName !== undefined) placeOf('dataset_name', datasetName);
  else if (kindOf(trainDataDir ?? '') !== 'folder')
    throw new RangeError(`--train_data_dir is "${trainDataDir}"; give a folder that exists.`);
}

/** A scorer by its name, or where a CLIP model lies. */
function checkChoiceModel({ choiceModel }: TrainOptions): void {
  const isName = choiceModel === '' || isSelectorName(choiceModel);
  if (isName || isRepoName(choiceModel) || kindOf(choiceModel) !== 'nothing') return;
  throw new RangeError(
    `--choice_model is "${choiceModel}"; give ${SELECTOR_NAMES.join(', ')}, a path of a CLIP model, or owner/name of the hub.`,
  );
}

/** The folder of a checkpoint that is named; the original looks for its last part in `--output_dir` only. */
export function namedCheckpoint(options: TrainOptions): string {
  const { resumeFromCheckpoint, outputDir } = options;
  const inOutput = join(outputDir, basename(resumeFromCheckpoint));
  const isPath = switchesOf(options).resumeCheck === 'configuration';
  return isPath && kindOf(resumeFromCheckpoint) === 'folder' ? resumeFromCheckpoint : inOutput;
}

function checkCheckpoint(options: TrainOptions): void {
  const { resumeFromCheckpoint: given, outputDir } = options;
  if (given === '' || given === 'latest' || kindOf(namedCheckpoint(options)) === 'folder') return;
  const missing =
    switchesOf(options).resumeCheck === 'none'
      ? `--output_dir "${outputDir}" has no folder of its last part (resumeCheck none)`
      : `no such folder is there, nor in --output_dir "${outputDir}"`;
  throw new RangeError(
    `--resume_from_checkpoint is "${given}": ${missing}; ` +
      "give a folder, latest, or '' to start anew.",
  );
}
