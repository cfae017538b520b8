import { CheckpointError } from './checkpoint-error';
import type { JsonObject } from './json-file';

/** What a Stable Diffusion 1.x folder must have, and the classes that may be there. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  unet: ['UNet2DConditionModel'],
  vae: ['AutoencoderKL'],
  text_encoder: ['CLIPTextModel'],
  tokenizer: ['CLIPTokenizer', 'CLIPTokenizerFast'],
  scheduler: [], // any: a class that cannot sample here may be replaced by the caller
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
  if (name !== 'StableDiffusionPipeline') {
    throw new CheckpointError(
      path,
      `its class is ${JSON.stringify(name)}; only "StableDiffusionPipeline" is supported.`,
    );
  }
  for (const [part, classes] of Object.entries(REQUIRED)) {
    const found = classOf(index[part]);
    if (found === undefined) throw new CheckpointError(path, `"${part}" is missing.`);
    if (classes.length === 0 || classes.includes(found)) continue;
    throw new CheckpointError(path, `"${part}" is a ${found}; supported: ${classes.join(', ')}.`);
  }
  for (const [part, value] of Object.entries(index)) {
    const known = part in REQUIRED || IGNORED.includes(part);
    if (known || classOf(value) === undefined) continue;
    throw new CheckpointError(path, `the part "${part}" (${classOf(value)}) is not supported.`);
  }
}

/** The index of the same pipeline without the parts that are not kept. */
export function savedModelIndex(index: JsonObject, schedulerClass: string): JsonObject {
  const without = IGNORED.filter((part) => part in index).map((part) => [part, [null, null]]);
  return {
    ...index,
    ...Object.fromEntries(without),
    requires_safety_checker: false,
    scheduler: ['diffusers', schedulerClass],
  };
}

/** The class of a `["library", "Class"]` pair; undefined for `null`, `[null, null]` and fields that are no part. */
function classOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const [, name] = value;
  return typeof name === 'string' ? name : undefined;
}
