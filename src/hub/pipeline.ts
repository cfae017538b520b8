import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchedulerConfig } from '../diffusion/scheduler-config';
import type {
  ClipTextConfig,
  ClipTextParams,
  Model,
  UNetConfig,
  UNetParams,
  VaeConfig,
  VaeParams,
} from '../models';
import type { ClipTokenizer } from '../models/tokenizer';
import { loadTokenizer, saveTokenizer } from '../models/tokenizer-files';
import { writeFolderAtomically } from './atomic';
import { CheckpointError } from './checkpoint-error';
import { type JsonObject, readJson, writeJson } from './json-file';
import { loadModel, saveModel, type WeightDType } from './model-folder';
import { checkModelIndex, savedModelIndex } from './model-index';
import { CLIP_TEXT, UNET, VAE } from './model-kinds';
import { checkVocabulary } from './vocabulary';

/** A Stable Diffusion 1.x pipeline in memory; whoever loaded it owns the weights. */
export interface Pipeline {
  readonly unet: Model<UNetConfig, UNetParams>;
  readonly vae: Model<VaeConfig, VaeParams>;
  readonly textEncoder: Model<ClipTextConfig, ClipTextParams>;
  readonly tokenizer: ClipTokenizer;
  /** `scheduler_config.json` as it was read. */
  readonly scheduler: SchedulerConfig;
  /** `model_index.json` as it was read. */
  readonly modelIndex: JsonObject;
}

/** What of a pipeline to load. */
export interface LoadPipelineOptions {
  /** Prefers weight files with this in their name, such as `fp16`. */
  readonly variant?: string | undefined;
  /** A model folder to take the denoiser from, in place of the pipeline's own. */
  readonly unet?: string | undefined;
  /** A model folder to take the autoencoder from. */
  readonly vae?: string | undefined;
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
 * Loads a diffusers folder of Stable Diffusion 1.x; a safety checker in it is left alone.
 * @throws CheckpointError naming the file and what is wrong with it
 */
export async function loadPipeline(
  dir: string,
  { variant, ...folders }: LoadPipelineOptions = {},
): Promise<Pipeline> {
  const path = join(dir, 'model_index.json');
  const modelIndex = await readJson(path);
  checkModelIndex(path, modelIndex);
  const scheduler = await readScheduler(join(dir, 'scheduler', 'scheduler_config.json'));
  const tokenizer = await loadTokenizer(join(dir, 'tokenizer'));

  const { unet: unetFolder = join(dir, 'unet'), vae: vaeFolder = join(dir, 'vae') } = folders;
  const loaded: Model<unknown, unknown>[] = [];
  const keep = <T extends Model<unknown, unknown>>(model: T): T => {
    loaded.push(model);
    return model;
  };
  try {
    const textEncoder = keep(
      await loadModel<ClipTextConfig, ClipTextParams>(join(dir, 'text_encoder'), CLIP_TEXT, {
        variant,
      }),
    );
    checkVocabulary(join(dir, 'tokenizer'), tokenizer, textEncoder.config.vocabSize);
    const vae = keep(await loadModel<VaeConfig, VaeParams>(vaeFolder, VAE, { variant }));
    const unet = keep(await loadModel<UNetConfig, UNetParams>(unetFolder, UNET, { variant }));
    return { unet, vae, textEncoder, tokenizer, scheduler, modelIndex };
  } catch (error) {
    for (const { parameters } of loaded) parameters.dispose();
    throw error;
  }
}

/**
 * Writes a diffusers folder that `StableDiffusionPipeline.from_pretrained` loads. It appears under its name when it is
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
  { unet, vae, textEncoder, tokenizer, scheduler }: Pipeline,
  { encoders, ...weights }: Pick<SavePipelineOptions, 'dtype' | 'encoders' | 'variant'>,
): Readonly<Record<string, (folder: string) => Promise<unknown>>> {
  const frozen = encoders === undefined ? weights : { ...weights, dtype: encoders };
  return {
    unet: (folder) => saveModel(unet, folder, UNET, weights),
    vae: (folder) => saveModel(vae, folder, VAE, frozen),
    text_encoder: (folder) => saveModel(textEncoder, folder, CLIP_TEXT, frozen),
    tokenizer: (folder) => saveTokenizer(tokenizer, folder),
    scheduler: (folder) => writeJson(join(folder, 'scheduler_config.json'), scheduler),
  };
}

/** Frees a pipeline's weights. */
export function disposePipeline({ unet, vae, textEncoder }: Pipeline): void {
  for (const { parameters } of [unet, vae, textEncoder]) parameters.dispose();
}

async function readScheduler(path: string): Promise<SchedulerConfig> {
  const json = await readJson(path);
  const { _class_name } = json;
  if (typeof _class_name === 'string') return { ...json, _class_name };
  throw new CheckpointError(path, 'it does not name its class (_class_name).');
}
