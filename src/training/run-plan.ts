/** What a run would do, before it does anything: `--dry_run`. */
import { join } from 'node:path';
import { openTrainingData, type PairCounts } from '../data';
import { type JsonObject, readJson } from '../hub/json-file';
import { checkModelIndex, conditioningOf, textSuffixes } from '../hub/model-index';
import { TEXT_KINDS, UNET, VAE } from '../hub/model-kinds';
import { clipTextWeights, loadTokenizer } from '../models';
import { dataOptions } from './data-options';
import { type EffectiveOptions, type Epochs, effectiveOptions, epochs } from './effective';
import { checkFamily, type Place, placeOf } from './option-paths';
import type { TrainOptions } from './options';
import { countOf, type PipelineShapes, planCost, type RunCost, trainedWeights } from './plan-cost';

/** What cannot be told, and why. */
export interface Unknown {
  readonly unknown: string;
}

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
  readonly data: DataPlan | Unknown;
  readonly model: ModelPlan | Unknown;
}

/**
 * Counts pairs and parameters, and predicts memory; no weight and no picture is read, and nothing is downloaded.
 * @throws RangeError, CheckpointError or ParquetError where local data or model folders are not usable
 */
export async function planRun(options: TrainOptions): Promise<RunPlan> {
  const [data, model] = [await planData(options), await planModel(options)];
  return { options, effective: effectiveOptions(options), data, model };
}

const onHub = (place: Place | undefined): Unknown | undefined =>
  place?.kind === 'hub'
    ? { unknown: `not known until "${place.name}" is downloaded from the hub` }
    : undefined;

async function planData(options: TrainOptions): Promise<DataPlan | Unknown> {
  const { datasetName } = options;
  const unknown = onHub(
    datasetName === undefined ? undefined : placeOf('dataset_name', datasetName),
  );
  if (unknown) return unknown;
  const { counts } = await openTrainingData(dataOptions(options));
  return { counts, ...epochs(options, counts.kept) };
}

async function planModel(options: TrainOptions): Promise<ModelPlan | Unknown> {
  const { pretrainedModelNameOrPath: pipeline, unetInit, pretrainedVaeModelNameOrPath } = options;
  const unetFrom = unetInit === '' ? pipeline : unetInit;
  const vaeFrom = pretrainedVaeModelNameOrPath ?? pipeline;
  for (const [flag, value] of [
    ['pretrained_model_name_or_path', pipeline],
    ['unet_init', unetFrom],
    ['pretrained_vae_model_name_or_path', vaeFrom],
  ] as const) {
    const unknown = onHub(placeOf(flag, value));
    if (unknown) return unknown;
  }
  const vaeFolder = vaeFrom === pipeline ? join(pipeline, 'vae') : vaeFrom;
  const path = join(pipeline, 'model_index.json');
  const index = await readJson(path);
  checkModelIndex(path, index);
  checkFamily(pipeline, conditioningOf(index), options);
  const suffixes = textSuffixes(index);
  const tokenizer = await loadTokenizer(join(pipeline, `tokenizer${suffixes[0] ?? ''}`));
  const texts = suffixes.map(async (suffix) =>
    TEXT_KINDS[suffix].config(await config(join(pipeline, `text_encoder${suffix}`))),
  );
  const shapes: PipelineShapes = {
    unet: UNET.config(await config(join(unetFrom, 'unet'))),
    vae: VAE.config(await config(vaeFolder)),
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
