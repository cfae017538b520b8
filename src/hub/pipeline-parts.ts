/** Where a pipeline's parts come from: a diffusers folder, or one file of the original layout. */
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
import { loadTokenizer } from '../models/tokenizer-files';
import { CheckpointError } from './checkpoint-error';
import { type JsonObject, readJson } from './json-file';
import { loadModel } from './model-folder';
import { checkModelIndex } from './model-index';
import { TEXT_KINDS, UNET, VAE } from './model-kinds';
import { checkVocabulary } from './vocabulary';

/** A text encoder, and what makes its ids. */
export interface TextPart {
  readonly textEncoder: Model<ClipTextConfig, ClipTextParams>;
  readonly tokenizer: ClipTokenizer;
}

/** A `config.json`, and where it stands. */
export interface ConfigFile {
  readonly path: string;
  readonly json: JsonObject;
}

/** A pipeline before its weights are loaded; whoever calls a function owns what it gives. */
export interface PipelineParts {
  /** `model_index.json`, checked. */
  readonly modelIndex: JsonObject;
  readonly scheduler: SchedulerConfig;
  /** The folder or file that has the denoiser. */
  readonly unetPath: string;
  readonly unet: () => Promise<Model<UNetConfig, UNetParams>>;
  readonly vae: () => Promise<Model<VaeConfig, VaeParams>>;
  /** @param suffix the end of the names of its folders */
  readonly text: (suffix: '' | '_2') => Promise<TextPart>;
  /** What makes a text encoder's ids. @throws HubError where a single file's come from the hub, and that refuses */
  readonly tokenizer: (suffix: '' | '_2') => Promise<ClipTokenizer>;
  /** The `config.json` of a part, such as `vae`. */
  readonly configOf: (part: string) => Promise<ConfigFile>;
  readonly close: () => Promise<void>;
}

/** The parts of a diffusers folder. @throws CheckpointError where it is no pipeline that is supported. */
export async function folderParts(
  dir: string,
  { variant }: { readonly variant?: string | undefined } = {},
): Promise<PipelineParts> {
  const { modelIndex, scheduler } = await readDescription(dir);
  const folderOf = (suffix: '' | '_2') => join(dir, `tokenizer${suffix}`);
  const text = async (suffix: '' | '_2') => {
    const folder = folderOf(suffix);
    const tokenizer = await loadTokenizer(folder);
    const encoder = join(dir, `text_encoder${suffix}`);
    return fittingText(folder, tokenizer, () =>
      loadModel(encoder, TEXT_KINDS[suffix], { variant }),
    );
  };
  return {
    modelIndex,
    scheduler,
    unetPath: join(dir, 'unet'),
    unet: () => loadModel(join(dir, 'unet'), UNET, { variant }),
    vae: () => loadModel(join(dir, 'vae'), VAE, { variant }),
    text,
    tokenizer: (suffix) => loadTokenizer(folderOf(suffix)),
    configOf: (part) => configIn(dir, part),
    close: async () => undefined,
  };
}

/** A part's `config.json` in a pipeline's folder. */
export async function configIn(dir: string, part: string): Promise<ConfigFile> {
  const path = join(dir, part, 'config.json');
  return { path, json: await readJson(path) };
}

/** What a pipeline's folder says of it. */
export async function readDescription(
  dir: string,
): Promise<Pick<PipelineParts, 'modelIndex' | 'scheduler'>> {
  const path = join(dir, 'model_index.json');
  const modelIndex = await readJson(path);
  checkModelIndex(path, modelIndex);
  const schedulerPath = join(dir, 'scheduler', 'scheduler_config.json');
  const json = await readJson(schedulerPath);
  const { _class_name } = json;
  if (typeof _class_name === 'string') return { modelIndex, scheduler: { ...json, _class_name } };
  throw new CheckpointError(schedulerPath, 'it does not name its class (_class_name).');
}

/** Loads a text encoder for a tokenizer. @throws CheckpointError where it does not know all of its ids. */
export async function fittingText(
  folder: string,
  tokenizer: ClipTokenizer,
  load: () => Promise<Model<ClipTextConfig, ClipTextParams>>,
): Promise<TextPart> {
  const textEncoder = await load();
  try {
    checkVocabulary(folder, tokenizer, textEncoder.config.vocabSize);
    return { textEncoder, tokenizer };
  } catch (error) {
    textEncoder.parameters.dispose();
    throw error;
  }
}
