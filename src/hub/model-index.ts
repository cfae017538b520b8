import { type ConditioningRule, STABLE_DIFFUSION } from '../models/conditioning';
import { CheckpointError } from './checkpoint-error';
import type { JsonObject } from './json-file';

/** A part of a pipeline's folder, and the classes that may be there. */
interface Part {
  readonly need: 'required' | 'optional';
  /** None: any; a class that cannot be used may be replaced by the caller. */
  readonly classes: readonly string[];
}

const required = (...classes: readonly string[]): Part => ({ need: 'required', classes });
const TOKENIZER = required('CLIPTokenizer', 'CLIPTokenizerFast');

const SHARED = {
  unet: required('UNet2DConditionModel'),
  vae: required('AutoencoderKL'),
  scheduler: required(),
};

const STABLE_DIFFUSION_PARTS = {
  ...SHARED,
  text_encoder: required('CLIPTextModel'),
  tokenizer: TOKENIZER,
};

/** The refiner has the second text encoder alone. */
const SDXL_PARTS = {
  ...SHARED,
  text_encoder: { need: 'optional', classes: ['CLIPTextModel'] },
  tokenizer: { ...TOKENIZER, need: 'optional' },
  text_encoder_2: required('CLIPTextModelWithProjection'),
  tokenizer_2: TOKENIZER,
} as const;

/** The pipelines that are read, by their `_class_name`. */
const PIPELINES: Readonly<Record<string, Readonly<Record<string, Part>>>> = {
  StableDiffusionPipeline: STABLE_DIFFUSION_PARTS,
  StableDiffusionXLPipeline: SDXL_PARTS,
  StableDiffusionXLImg2ImgPipeline: SDXL_PARTS,
};

/** Parts that do not take part in making a picture from a text. */
const IGNORED = ['safety_checker', 'feature_extractor', 'image_encoder'];

/** The `model_index.json` of a pipeline made here. */
export const STABLE_DIFFUSION_INDEX: JsonObject = {
  _class_name: 'StableDiffusionPipeline',
  _diffusers_version: '0.20.0',
  feature_extractor: [null, null],
  requires_safety_checker: false,
  safety_checker: [null, null],
  scheduler: ['diffusers', 'PNDMScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
};

/** @throws CheckpointError where the folder is another kind of pipeline, or a part is absent, unknown or of another class. */
export function checkModelIndex(path: string, index: JsonObject): void {
  const { _class_name: name } = index;
  const parts = partsOf(index);
  if (!parts) {
    const supported = Object.keys(PIPELINES).join(', ');
    throw new CheckpointError(
      path,
      `its class is ${JSON.stringify(name)}, which is not supported; supported are ${supported}.`,
    );
  }
  for (const [part, { need, classes }] of Object.entries(parts)) {
    const found = classOf(index[part]);
    if (found === undefined && need === 'optional') continue;
    if (found === undefined) throw new CheckpointError(path, `"${part}" is missing.`);
    if (classes.length === 0 || classes.includes(found)) continue;
    throw new CheckpointError(path, `"${part}" is a ${found}; supported: ${classes.join(', ')}.`);
  }
  for (const [part, value] of Object.entries(index)) {
    const known = part in parts || IGNORED.includes(part);
    if (known || classOf(value) === undefined) continue;
    throw new CheckpointError(path, `the part "${part}" (${classOf(value)}) is not supported.`);
  }
  if ((classOf(index.text_encoder) === undefined) !== (classOf(index.tokenizer) === undefined))
    throw new CheckpointError(path, '"text_encoder" and "tokenizer" belong together.');
}

/** The ends of the names of text encoder and tokenizer folders, in the order in which a pipeline reads them. */
export function textSuffixes(index: JsonObject): readonly ('' | '_2')[] {
  return (['', '_2'] as const).filter((suffix) => classOf(index[`text_encoder${suffix}`]));
}

/** How the pipeline of an index tells its UNet of a text. Absent fields have diffusers' defaults. */
export function conditioningOf(index: JsonObject): ConditioningRule {
  if (partsOf(index) !== SDXL_PARTS) return STABLE_DIFFUSION;
  return {
    states: 'penultimate',
    added: index.requires_aesthetics_score === true ? 'sizes and score' : 'sizes',
    noPrompt: index.force_zeros_for_empty_prompt === false ? 'empty text' : 'zeros',
  };
}

/** The index of the same pipeline without the parts that are not kept. */
export function savedModelIndex(index: JsonObject, schedulerClass: string): JsonObject {
  const without = IGNORED.filter((part) => part in index).map((part) => [part, [null, null]]);
  const hasChecker = partsOf(index) === STABLE_DIFFUSION_PARTS;
  return {
    ...index,
    ...Object.fromEntries(without),
    ...(hasChecker ? { requires_safety_checker: false } : {}),
    scheduler: ['diffusers', schedulerClass],
  };
}

function partsOf({ _class_name: name }: JsonObject) {
  return typeof name === 'string' && Object.hasOwn(PIPELINES, name) ? PIPELINES[name] : undefined;
}

/** The class of a `["library", "Class"]` pair; undefined for `null`, `[null, null]` and fields that are no part. */
function classOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const [, name] = value;
  return typeof name === 'string' ? name : undefined;
}
