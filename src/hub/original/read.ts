/** One file of the original layout as a pipeline. */
import { join } from 'node:path';
import type { SchedulerConfig } from '../../diffusion/scheduler-config';
import type {
  ClipTextConfig,
  ClipTextParams,
  Model,
  UNetConfig,
  UNetParams,
  VaeConfig,
  VaeParams,
} from '../../models';
import { loadTokenizer } from '../../models/tokenizer-files';
import { CheckpointError } from '../checkpoint-error';
import type { JsonObject } from '../json-file';
import { checkedConfig, type ModelKind } from '../model-folder';
import { textSuffixes } from '../model-index';
import { TEXT_KINDS, UNET, VAE } from '../model-kinds';
import {
  type ConfigFile,
  configIn,
  fittingText,
  type PipelineParts,
  readDescription,
} from '../pipeline-parts';
import { DESCRIPTION, type ResolveOptions, resolve, TOKENIZERS } from '../remote/resolve';
import { openTensors } from '../tensor-file';
import type { TensorSource } from '../tensor-source';
import { loadWeights } from '../weights';
import { derivedText, derivedUnet, derivedVae } from './configs';
import {
  checkAllUsed,
  detectFamily,
  type FamilyName,
  originalText,
  originalUnet,
  originalVae,
  type TextSuffix,
  textsOf,
} from './family';
import { PUBLISHED, publishedIndex, publishedScheduler } from './published';
import type { Rule } from './stored-as';
import { viewModel } from './stored-views';

/** What goes with a single file, and how to reach the hub. */
export interface SingleFileOptions extends Omit<ResolveOptions, 'files' | 'without'> {
  /**
   * A diffusers folder, or a name of the hub, of the same architecture: its configs, scheduler and tokenizers are taken.
   * @default what the shapes and the published models of the family say; the tokenizers are those of the published one
   */
  readonly config?: string | undefined;
}

interface Description {
  readonly modelIndex: JsonObject;
  readonly scheduler: SchedulerConfig;
  readonly configOf: (part: string) => Promise<ConfigFile>;
  /** The folder that has the tokenizers' folders. */
  readonly tokenizers: () => Promise<string>;
}

/**
 * The parts of a file in the layout of Stable Diffusion 1.x, 2.x, XL or XL's refiner; the family is told by the names in it.
 * @throws CheckpointError where a tensor is missing, of another shape, or read by nothing
 */
export async function singleFileParts(
  path: string,
  { config, ...from }: SingleFileOptions = {},
): Promise<PipelineParts> {
  const source = await openTensors(path);
  try {
    const family = detectFamily(source);
    const description = config
      ? await described(config, family, source, from)
      : derived(source, family, from);
    return await partsOf(source, family, description);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function partsOf(
  source: TensorSource,
  family: FamilyName,
  { configOf, tokenizers, ...description }: Description,
): Promise<PipelineParts> {
  const used = new Set<string>();
  const part = async <C extends { readonly json: JsonObject }, P>(
    name: string,
    kind: ModelKind<C>,
    ruleFor: (config: C) => Rule,
  ) => modelPart<C, P>(source, used, await configOf(name), kind, ruleFor);
  const unet = await part<UNetConfig, UNetParams>('unet', UNET, originalUnet);
  const vae = await part<VaeConfig, VaeParams>('vae', VAE, originalVae);
  const texts = new Map<TextSuffix, () => Promise<Model<ClipTextConfig, ClipTextParams>>>();
  let spare: string | undefined;
  for (const text of textsOf(family)) {
    const { suffix, prefix } = text;
    const { config, load } = await part<ClipTextConfig, ClipTextParams>(
      `text_encoder${suffix}`,
      TEXT_KINDS[suffix],
      () => originalText(text, source),
    );
    texts.set(suffix, load);
    if (family === 'sd2') spare = `${prefix}transformer.resblocks.${config.layers}.`;
  }
  checkAllUsed(source, used, spare);
  const folderOf = async (suffix: TextSuffix) => join(await tokenizers(), `tokenizer${suffix}`);
  return {
    ...description,
    unetPath: source.path,
    unet: unet.load,
    vae: vae.load,
    configOf,
    text: async (suffix) => {
      const folder = await folderOf(suffix);
      const load = texts.get(suffix);
      if (!load) throw new CheckpointError(source.path, `it has no "text_encoder${suffix}".`);
      return fittingText(folder, await loadTokenizer(folder), load);
    },
    tokenizer: async (suffix) => loadTokenizer(await folderOf(suffix)),
    close: () => source.close(),
  };
}

/** A model of the file, to be loaded later. @param used the names that the file has for its weights are added here */
function modelPart<C extends { readonly json: JsonObject }, P>(
  source: TensorSource,
  used: Set<string>,
  { path, json }: ConfigFile,
  kind: ModelKind<C>,
  ruleFor: (config: C) => Rule,
) {
  const config = checkedConfig(path, json, kind);
  const weights = kind.weights(config);
  const files = viewModel(source, weights, ruleFor(config), used);
  const load = async (): Promise<Model<C, P>> => {
    const parameters = await loadWeights(files, weights, () => []);
    return { config, parameters, p: parameters.tree<P>() };
  };
  return { config, load };
}

/** Told by a folder, as diffusers' `from_single_file(config=…)` has it. */
async function described(
  name: string,
  family: FamilyName,
  { path }: TensorSource,
  from: ResolveOptions,
): Promise<Description> {
  const { path: dir } = await resolve(name, { ...from, files: DESCRIPTION });
  const { modelIndex, scheduler } = await readDescription(dir);
  const has = textsOf(family).map(({ suffix }) => suffix);
  if (String(has) !== String(textSuffixes(modelIndex)))
    throw new CheckpointError(path, `it has other text encoders than the pipeline of ${dir}.`);
  const configOf = (part: string) => configIn(dir, part);
  return { modelIndex, scheduler, configOf, tokenizers: async () => dir };
}

/** Told by the shapes, and by what was published. */
function derived(source: TensorSource, family: FamilyName, from: ResolveOptions): Description {
  const configs = new Map<string, JsonObject>([
    ['unet', derivedUnet(source, family)],
    ['vae', derivedVae(source, family)],
    ...textsOf(family).map(
      (text) => [`text_encoder${text.suffix}`, derivedText(source, text)] as const,
    ),
  ]);
  return {
    modelIndex: publishedIndex(family),
    scheduler: publishedScheduler(family),
    configOf: async (part) => ({ path: source.path, json: configs.get(part) ?? {} }),
    tokenizers: async () => (await resolve(PUBLISHED[family], { ...from, files: TOKENIZERS })).path,
  };
}
