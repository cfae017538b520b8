/** What a run would do, before it does anything: `--dry_run`. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openTrainingData, type PairCounts } from '../data';
import { type JsonObject, readJson } from '../hub/json-file';
import { conditioningOf, textSuffixes } from '../hub/model-index';
import { TEXT_KINDS, UNET, VAE } from '../hub/model-kinds';
import { openParts } from '../hub/pipeline';
import type { PipelineParts } from '../hub/pipeline-parts';
import { repoFileName } from '../hub/remote/file-names';
import { DESCRIPTION, type ResolveOptions, resolve, resolvePart } from '../hub/remote/resolve';
import { clipTextWeights } from '../models';
import { dataOptions, modelHubOptions } from './data-options';
import { type EffectiveOptions, type Epochs, effectiveOptions, epochs } from './effective';
import { checkFamily, placeOf } from './option-paths';
import type { TrainOptions } from './options';
import { countOf, type PipelineShapes, planCost, type RunCost, trainedWeights } from './plan-cost';
import {
  type HubReach,
  type PlannedDownload,
  planDownloads,
  type Unknown,
  unknownBecause,
} from './plan-downloads';

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
  const { pretrainedModelNameOrPath: name, unetInit, pretrainedVaeModelNameOrPath: vae } = options;
  const from = { ...modelHubOptions(options), ...reach };
  if (repoFileName(name) && placeOf('pretrained_model_name_or_path', name).kind === 'hub')
    return untilDownloaded(name);
  const { path } = await resolve(name, { ...from, files: DESCRIPTION });
  const parts = await openParts(path, { ...from, config: options.config });
  try {
    return planOfParts(options, await shapesOf(parts, { unet: unetInit || undefined, vae }, from));
  } catch (error) {
    return unknownBecause(error); // a file's tokenizers may be on the hub
  } finally {
    await parts.close();
  }
}

/** What is needed to know the cost of a run. @param others where other networks than the pipeline's come from */
async function shapesOf(
  { modelIndex, configOf, tokenizer }: PipelineParts,
  others: Readonly<Record<'unet' | 'vae', string | undefined>>,
  from: ResolveOptions,
): Promise<PipelineShapes> {
  const config = async (part: 'unet' | 'vae'): Promise<JsonObject> => {
    const { json } = await configOf(part);
    const other = others[part];
    if (other === undefined) return json;
    const path = await resolvePart(other, part, { ...from, files: ['config.json'] });
    // a file of weights has the pipeline's own architecture
    return (await stat(path)).isFile() ? json : readJson(join(path, 'config.json'));
  };
  const suffixes = textSuffixes(modelIndex);
  const texts = suffixes.map(async (suffix) =>
    TEXT_KINDS[suffix].config((await configOf(`text_encoder${suffix}`)).json),
  );
  return {
    unet: UNET.config(await config('unet')),
    vae: VAE.config(await config('vae')),
    texts: await Promise.all(texts),
    conditioning: conditioningOf(modelIndex),
    textLength: (await tokenizer(suffixes[0] ?? '')).modelMaxLength,
  };
}

function planOfParts(options: TrainOptions, shapes: PipelineShapes): ModelPlan {
  checkFamily(options.pretrainedModelNameOrPath, shapes.conditioning, options);
  const parameters = {
    unet: countOf(UNET.weights(shapes.unet)),
    vae: countOf(VAE.weights(shapes.vae)),
    textEncoder: countOf(shapes.texts.flatMap(clipTextWeights)),
    trained: countOf(trainedWeights(shapes.unet, options)),
  };
  return { parameters, ...planCost(shapes, options) };
}
