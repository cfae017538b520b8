import { join } from 'node:path';
import type { ClipModel, ClipModelConfig, ClipModelParams } from '../models';
import type { ClipTokenizer } from '../models/tokenizer';
import { loadTokenizer, saveTokenizer } from '../models/tokenizer-files';
import { writeFolderAtomically } from './atomic';
import { type ImageProcessor, readImageProcessor } from './image-processor';
import { writeJson } from './json-file';
import { loadModel, saveModel, type WeightDType } from './model-folder';
import { CLIP } from './model-kinds';
import { type ResolveOptions, resolve } from './remote/resolve';
import { checkVocabulary } from './vocabulary';

/** A two-tower CLIP with what it takes to feed it; whoever loaded it owns the weights. */
export interface ClipFolder {
  readonly model: ClipModel;
  readonly tokenizer: ClipTokenizer;
  readonly imageProcessor: ImageProcessor;
}

/** Which weights, and where what feeds them stands. */
export interface ClipOptions extends Omit<ResolveOptions, 'files' | 'without'> {
  /** Folder of tokenizer and image processor. @default that of the weights */
  readonly processor?: string | undefined;
}

/**
 * Loads a transformers `CLIPModel` folder: model, tokenizer, image processor.
 * @param name a folder, or `owner/name` of the hub
 * @throws CheckpointError naming the file and what is wrong with it
 * @throws HubError where the hub or the network refuse
 */
export async function loadClipModel(
  name: string,
  { variant, processor, ...from }: ClipOptions = {},
): Promise<ClipFolder> {
  const { path: dir } = await resolve(name, { variant, ...from });
  const tokenizer = await loadTokenizer(processor ?? dir);
  const imageProcessor = await readImageProcessor(processor ?? dir);
  const model = await loadModel<ClipModelConfig, ClipModelParams>(dir, CLIP, { variant });
  try {
    checkVocabulary(processor ?? dir, tokenizer, model.config.text.vocabSize);
  } catch (error) {
    model.parameters.dispose();
    throw error;
  }
  return { model, tokenizer, imageProcessor };
}

/**
 * Writes a folder that transformers' `CLIPModel`, `CLIPTokenizer` and `CLIPImageProcessor` load.
 * @throws Error where the folder exists and may not be replaced
 */
export async function saveClipModel(
  { model, tokenizer, imageProcessor }: ClipFolder,
  dir: string,
  {
    dtype = 'F32',
    existing = 'refuse',
  }: { readonly dtype?: WeightDType; readonly existing?: 'refuse' | 'replace' } = {},
): Promise<void> {
  const fill = async (folder: string) => {
    await saveModel(model, folder, CLIP, { dtype });
    await saveTokenizer(tokenizer, folder);
    await writeJson(join(folder, 'preprocessor_config.json'), imageProcessor.json);
  };
  await writeFolderAtomically(dir, fill, { existing });
}
