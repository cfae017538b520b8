import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchedulerConfig } from '../diffusion/scheduler-config';
import type {
  ClipTextConfig,
  ClipTextParams,
  ConditioningRule,
  Model,
  UNetConfig,
  UNetParams,
  VaeConfig,
  VaeParams,
} from '../models';
import type { ClipTokenizer } from '../models/tokenizer';
import { saveTokenizer } from '../models/tokenizer-files';
import { writeFolderAtomically } from './atomic';
import { type JsonObject, writeJson } from './json-file';
import { loadModel, saveModel, type WeightDType } from './model-folder';
import { conditioningOf, savedModelIndex, textSuffixes } from './model-index';
import { TEXT_KINDS, UNET, VAE } from './model-kinds';
import { unetFromFile, vaeFromFile } from './original/part';
import { singleFileParts } from './original/read';
import { checkFit } from './pipeline-fit';
import { folderParts, type PipelineParts, type TextPart } from './pipeline-parts';
import { type ResolveOptions, resolve, resolvePart } from './remote/resolve';

/** A pipeline of Stable Diffusion 1.x, 2.x or XL, or XL's refiner, in memory; whoever loaded it owns the weights. */
export interface Pipeline {
  readonly unet: Model<UNetConfig, UNetParams>;
  readonly vae: Model<VaeConfig, VaeParams>;
  /** The first text encoder; the refiner's only one is SDXL's second. */
  readonly textEncoder: Model<ClipTextConfig, ClipTextParams>;
  readonly tokenizer: ClipTokenizer;
  /** SDXL's second. */
  readonly textEncoder2?: Model<ClipTextConfig, ClipTextParams>;
  readonly tokenizer2?: ClipTokenizer;
  /** How it tells its UNet of a text. @default that of Stable Diffusion 1.x and 2.x */
  readonly conditioning?: ConditioningRule;
  /** `scheduler_config.json` as it was read. */
  readonly scheduler: SchedulerConfig;
  /** `model_index.json` as it was read. */
  readonly modelIndex: JsonObject;
}

/** What of a pipeline to load, and how to reach the hub; a revision and a variant hold for all names of the hub. */
export interface LoadPipelineOptions extends Omit<ResolveOptions, 'files' | 'without'> {
  /** A folder, a file, or a name of the hub, to take the denoiser from, in place of the pipeline's own. */
  readonly unet?: string | undefined;
  /** A folder, a file, or a name of the hub, to take the autoencoder from. */
  readonly vae?: string | undefined;
  /** With a single file: a folder, or a name of the hub, that has configs and tokenizers. @default the published ones */
  readonly config?: string | undefined;
}

/** How to write a pipeline. */
export interface SavePipelineOptions {
  /** @default 'F32' */
  readonly dtype?: WeightDType;
  /** Of autoencoder and text encoder, where it is not the denoiser's. @default dtype */
  readonly encoders?: WeightDType;
  /** A part of the weight files' names, such as 'fp16'. @default none */
  readonly variant?: string;
  /**
   * What to do where the folder exists: `refuse` it, `replace` it whole, or `merge`: replace the pipeline's parts one by
   * one, `model_index.json` last, and leave other files in it alone. @default 'refuse'
   */
  readonly existing?: 'refuse' | 'replace' | 'merge';
}

/**
 * Loads a diffusers folder of Stable Diffusion 1.x, 2.x, XL (turbo too) or XL's refiner, as its `model_index.json` says, or
 * one file of their original layouts; a safety checker in it is left alone.
 * @param name a folder, a file, or `owner/name` of the hub, of which what is needed is downloaded
 * @throws CheckpointError naming the file and what is wrong with it
 * @throws HubError where the hub or the network refuse
 */
export async function loadPipeline(
  name: string,
  { unet: otherUnet, vae: otherVae, config, ...from }: LoadPipelineOptions = {},
): Promise<Pipeline> {
  const { variant } = from;
  const without = [...(otherUnet ? ['unet'] : []), ...(otherVae ? ['vae'] : [])];
  const { path } = await resolve(name, { ...from, without });
  const unetPath = otherUnet && (await resolvePart(otherUnet, 'unet', from));
  const vaePath = otherVae && (await resolvePart(otherVae, 'vae', from));
  const parts = await openParts(path, { ...from, config });
  const unet = async (place: string) =>
    (await isFile(place))
      ? unetFromFile(place, await parts.configOf('unet'))
      : loadModel<UNetConfig, UNetParams>(place, UNET, { variant });
  const vae = async (place: string) =>
    (await isFile(place))
      ? vaeFromFile(place, await parts.configOf('vae'))
      : loadModel<VaeConfig, VaeParams>(place, VAE, { variant });
  try {
    return await loadParts({
      ...parts,
      ...(unetPath && { unetPath, unet: () => unet(unetPath) }),
      ...(vaePath && { vae: () => vae(vaePath) }),
    });
  } finally {
    await parts.close();
  }
}

const isFile = async (path: string) => (await stat(path)).isFile();

/**
 * A pipeline on this disk before its weights are loaded; whoever opened it closes it.
 * @param options as those of {@link loadPipeline}
 */
export const openParts = async (
  path: string,
  { config, ...from }: Omit<LoadPipelineOptions, 'unet' | 'vae'> = {},
): Promise<PipelineParts> =>
  (await isFile(path))
    ? singleFileParts(path, { ...from, revision: undefined, config }) // it is of the file's repository
    : folderParts(path, { variant: from.variant });

/** Loads all parts; the caller owns the weights. */
async function loadParts(parts: PipelineParts): Promise<Pipeline> {
  const { modelIndex, scheduler } = parts;
  const conditioning = conditioningOf(modelIndex);
  const loaded: Model<unknown, unknown>[] = [];
  const keep = <T extends Model<unknown, unknown>>(model: T): T => {
    loaded.push(model);
    return model;
  };
  try {
    const texts: TextPart[] = [];
    for (const suffix of textSuffixes(modelIndex)) {
      const text = await parts.text(suffix);
      keep(text.textEncoder);
      texts.push(text);
    }
    const vae = keep(await parts.vae());
    const unet = keep(await parts.unet());
    const configs = texts.map(({ textEncoder }) => textEncoder.config);
    checkFit(parts.unetPath, unet.config, configs, conditioning);
    const [first, second] = texts as [TextPart, TextPart?];
    const more = second && { textEncoder2: second.textEncoder, tokenizer2: second.tokenizer };
    return { unet, vae, ...first, ...more, conditioning, scheduler, modelIndex };
  } catch (error) {
    for (const { parameters } of loaded) parameters.dispose();
    throw error;
  }
}

/**
 * Writes a diffusers folder that `DiffusionPipeline.from_pretrained` loads. It appears under its name when it is
 * complete.
 * @throws Error where the folder exists and may not be replaced
 */
export async function savePipeline(
  pipeline: Pipeline,
  dir: string,
  { existing = 'refuse', ...weights }: SavePipelineOptions = {},
): Promise<void> {
  const parts = Object.entries(partWriters(pipeline, weights));
  const index = savedModelIndex(pipeline.modelIndex, pipeline.scheduler._class_name);
  const writeIndex = (folder: string) => writeJson(join(folder, 'model_index.json'), index);
  if (existing === 'merge') {
    for (const [name, write] of parts) {
      const fillPart = async (folder: string) => void (await write(folder));
      await writeFolderAtomically(join(dir, name), fillPart, { existing: 'replace' });
    }
    return writeIndex(dir);
  }
  const fill = async (folder: string) => {
    for (const [name, write] of parts) {
      await mkdir(join(folder, name));
      await write(join(folder, name));
    }
    await writeIndex(folder);
  };
  await writeFolderAtomically(dir, fill, { existing });
}

/** What fills each folder of a pipeline. */
function partWriters(
  { unet, vae, scheduler, modelIndex, ...texts }: Pipeline,
  { encoders, ...weights }: Pick<SavePipelineOptions, 'dtype' | 'encoders' | 'variant'>,
): Readonly<Record<string, (folder: string) => Promise<unknown>>> {
  const frozen = encoders === undefined ? weights : { ...weights, dtype: encoders };
  const models = [texts.textEncoder, texts.textEncoder2];
  const tokenizers = [texts.tokenizer, texts.tokenizer2];
  const textParts = textSuffixes(modelIndex).flatMap((suffix, i) => {
    const [model, tokenizer] = [models[i], tokenizers[i]];
    if (!model || !tokenizer) return [];
    const writeModel = (folder: string) => saveModel(model, folder, TEXT_KINDS[suffix], frozen);
    const writeTokenizer = (folder: string) => saveTokenizer(tokenizer, folder);
    return [
      [`text_encoder${suffix}`, writeModel],
      [`tokenizer${suffix}`, writeTokenizer],
    ] as const;
  });
  return {
    unet: (folder) => saveModel(unet, folder, UNET, weights),
    vae: (folder) => saveModel(vae, folder, VAE, frozen),
    ...Object.fromEntries<(folder: string) => Promise<unknown>>(textParts),
    scheduler: (folder) => writeJson(join(folder, 'scheduler_config.json'), scheduler),
  };
}

/** Frees a pipeline's weights. */
export function disposePipeline({ unet, vae, textEncoder, textEncoder2 }: Pipeline): void {
  for (const model of [unet, vae, textEncoder, textEncoder2]) model?.parameters.dispose();
}
