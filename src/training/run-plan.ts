/** What a run would do, before it does anything: `--dry_run`. */
import { join } from 'node:path';
import { openTrainingData, type PairCounts } from '../data';
import { type JsonObject, readJson } from '../hub/json-file';
import { checkModelIndex, conditioningOf, textSuffixes } from '../hub/model-index';
import { TEXT_KINDS, UNET, VAE } from '../hub/model-kinds';
import { DESCRIPTION, resolve, resolvePart } from '../hub/remote/resolve';
import { clipTextWeights, loadTokenizer } from '../models';
import { dataOptions, modelHubOptions } from './data-options';
import { type EffectiveOptions, type Epochs, effectiveOptions, epochs } from './effective';
import { checkFamily, placeOf } from './option-paths';
import type { TrainOptions } from './options';
import { countOf, type PipelineShapes, planCost, type RunCost, trainedWeights } from './plan-cost';
import { type HubReach, type PlannedDownload, planDownloads, type Unknown } from './plan-downloads';

export interface DataPlan extends Epochs {
  readonly counts: PairCounts;
}

export interface ModelPlan extends RunCost {
  /** Numbers in each model (both text encoders together), and in what is trained. */
  readonly parameters: Readonly<Record<'unet' | 'vae' | 'textEncoder' | 'trained', number>>;
}

export interface RunPlan {
  readonly options: TrainOptions;
  readonly effective: EffectiveOptions;
  readonly downloads: readonly PlannedDownload[];
  readonly data: DataPlan | Unknown;
  readonly model: ModelPlan | Unknown;
}

/**
 * Counts pairs and parameters, predicts memory, and asks the hub what it would have to send. No weight and no picture is
 * read; of a model on the hub its configs and its tokenizer are fetched.
 * @throws RangeError, CheckpointError or ParquetError where local data or model folders are not usable
 * @throws HubError where the hub does not have what is named; not where it cannot be asked
 */
export async function planRun(options: TrainOptions, reach: HubReach = {}): Promise<RunPlan> {
  const downloads = await planDownloads(options, reach);
  const [data, model] = [await planData(options), await planModel(options, downloads, reach)];
  return { options, effective: effectiveOptions(options), downloads, data, model };
}

const untilDownloaded = (name: string): Unknown => ({
  unknown: `not known until "${name}" is downloaded from the hub`,
});

async function planData(options: TrainOptions): Promise<DataPlan | Unknown> {
  const { datasetName } = options;
  if (datasetName !== undefined && placeOf('dataset_name', datasetName).kind === 'hub')
    return untilDownloaded(datasetName);
  const { counts } = await openTrainingData(dataOptions(options));
  return { counts, ...epochs(options, counts.kept) };
}

async function planModel(
  options: TrainOptions,
  downloads: readonly PlannedDownload[],
  reach: HubReach,
): Promise<ModelPlan | Unknown> {
  const absent = downloads.find(
    ({ name, plan }) => name !== options.datasetName && 'unknown' in plan,
  );
  if (absent) return untilDownloaded(absent.name);
  const { pretrainedModelNameOrPath: name, unetInit, pretrainedVaeModelNameOrPath } = options;
  const from = { ...modelHubOptions(options), ...reach };
  const { path: pipeline } = await resolve(name, { ...from, files: DESCRIPTION });
  const partFolder = (of: string, part: string) =>
    of === name ? join(pipeline, part) : resolvePart(of, part, { ...from, files: ['config.json'] });
  const path = join(pipeline, 'model_index.json');
  const index = await readJson(path);
  checkModelIndex(path, index);
  checkFamily(name, conditioningOf(index), options);
  const suffixes = textSuffixes(index);
  const tokenizer = await loadTokenizer(join(pipeline, `tokenizer${suffixes[0] ?? ''}`));
  const texts = suffixes.map(async (suffix) =>
    TEXT_KINDS[suffix].config(await config(join(pipeline, `text_encoder${suffix}`))),
  );
  const shapes: PipelineShapes = {
    unet: UNET.config(await config(await partFolder(unetInit || name, 'unet'))),
    vae: VAE.config(await config(await partFolder(pretrainedVaeModelNameOrPath ?? name, 'vae'))),
    texts: await Promise.all(texts),
    conditioning: conditioningOf(index),
    textLength: tokenizer.modelMaxLength,
  };
  const parameters = {
    unet: countOf(UNET.weights(shapes.unet)),
    vae: countOf(VAE.weights(shapes.vae)),
    textEncoder: countOf(shapes.texts.flatMap(clipTextWeights)),
    trained: countOf(trainedWeights(shapes.unet, options)),
  };
  return { parameters, ...planCost(shapes, options) };
}

const config = (folder: string): Promise<JsonObject> => readJson(join(folder, 'config.json'));
