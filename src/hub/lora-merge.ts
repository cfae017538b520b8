/** Adapters for the linear layers and convolutions of a whole pipeline, added to its weights. */
import { tensor, tidy } from '../engine';
import type { Model } from '../models';
import { CheckpointError } from './checkpoint-error';
import { bytesPerElement, decodeElements, toFloat32 } from './dtypes';
import { toEngineLayout } from './layout';
import { LORA_FILE, presentName } from './lora-file';
import { LORA_METADATA, parseLoraMetadata } from './lora-metadata';
import { TEXT_KINDS, UNET } from './model-kinds';
import { unetRule } from './original/unet-rule';
import type { Pipeline } from './pipeline';
import { type ResolveOptions, resolve } from './remote/resolve';
import { openSafetensors, type SafetensorsFile } from './safetensors-reader';
import { elementCount, type TensorSource } from './tensor-source';

/** How strongly, and how to reach the hub. */
export interface MergeLoraOptions extends Omit<ResolveOptions, 'files' | 'without'> {
  /** @default 1 */
  readonly scale?: number | undefined;
}

/** A weight that an adapter may change. */
interface Target {
  readonly model: Model<unknown, unknown>;
  readonly weight: string;
  /** PyTorch's. */
  readonly shape: readonly number[];
  /** `unet`, `text_encoder` or `text_encoder_2`. */
  readonly part: string;
}

/** One layer's adapter in a file. */
interface Change {
  readonly down: string;
  readonly up: string;
  readonly alpha?: string;
  readonly target: Target;
}

/**
 * Adds a stored adapter to a pipeline's weights, which change where they are: W + scale · alpha / rank · B A. Reads
 * diffusers' files and those of kohya's scripts (`lora_unet_…`, `lora_te_…`, `lora_te1_…`, `lora_te2_…`), convolutions too.
 * @param name the file, a folder that has diffusers' file, or a name of the hub: `owner/name`, `owner/name/file.safetensors`
 * @throws CheckpointError that names every tensor that belongs to no layer of the pipeline, before any weight is changed
 */
export async function mergeLoraFile(
  pipeline: Pipeline,
  name: string,
  { scale = 1, ...from }: MergeLoraOptions = {},
): Promise<void> {
  const file = await openSafetensors(await loraFile(name, from));
  try {
    const targets = targetsOf(pipeline);
    for (const { model } of targets.values())
      if (model.parameters.isTrainable)
        throw new TypeError(
          'LoRA: the weights are being trained, and cannot be changed from outside.',
        );
    const changes = changesOf(file, targets);
    const alphas = storedAlphas(file, changes);
    for (const change of changes) await apply(file, change, scale, alphas.get(change.target.part));
  } finally {
    await file.close();
  }
}

async function loraFile(name: string, from: ResolveOptions): Promise<string> {
  const files = name.endsWith('.safetensors') ? undefined : [LORA_FILE];
  const found = await resolve(name, { ...from, files });
  return found.path.endsWith('.safetensors') ? found.path : (found.files[0] ?? found.path);
}

/** Every weight that is no vector, by the beginnings that its adapter's names may have. */
function targetsOf({ unet, textEncoder, textEncoder2 }: Pipeline): ReadonlyMap<string, Target> {
  const targets = new Map<string, Target>();
  const add = (
    part: string,
    kohya: readonly string[],
    model: Model<unknown, unknown>,
    weights: readonly (readonly [string, readonly number[]])[],
    original: (layer: string) => string,
  ) => {
    for (const [weight, shape] of weights) {
      if (shape.length < 2 || !weight.endsWith('.weight')) continue;
      const layer = weight.slice(0, -'.weight'.length);
      const target = { model, weight, shape, part };
      targets.set(`${part}.${layer}`, target);
      for (const name of new Set([layer, original(layer)]))
        for (const prefix of kohya) targets.set(`${prefix}_${name.replaceAll('.', '_')}`, target);
    }
  };
  const rule = unetRule(unet.config);
  const original = (layer: string) => rule(`${layer}.weight`).name.slice(0, -'.weight'.length);
  add('unet', ['lora_unet'], unet, UNET.weights(unet.config), original);
  const isSecond = textEncoder.config.projectionDim !== undefined; // the refiner's only one
  const texts = [
    [isSecond ? '_2' : '', textEncoder],
    ['_2', textEncoder2],
  ] as const;
  for (const [suffix, model] of texts) {
    if (!model) continue;
    const kohya = suffix === '_2' ? ['lora_te2'] : ['lora_te', 'lora_te1'];
    add(`text_encoder${suffix}`, kohya, model, TEXT_KINDS[suffix].weights(model.config), (x) => x);
  }
  return targets;
}

/** Pairs the tensors of a file, and the layers that they belong to. */
function changesOf(
  { path, entries }: TensorSource,
  targets: ReadonlyMap<string, Target>,
): readonly Change[] {
  const found = new Map<string, { down?: string; up?: string; alpha?: string }>();
  const strange: string[] = [];
  for (const name of entries.keys()) {
    const [, layer = '', role = ''] =
      /^(.+?)\.(lora_A\.weight|lora_B\.weight|lora_down\.weight|lora_up\.weight|alpha)$/.exec(
        presentName(name),
      ) ?? [];
    if (!targets.has(layer)) {
      strange.push(name);
      continue;
    }
    const parts = found.get(layer) ?? {};
    found.set(layer, parts);
    if (role === 'alpha') parts.alpha = name;
    else if (/A|down/.test(role)) parts.down = name;
    else parts.up = name;
  }
  const changes: Change[] = [];
  for (const [layer, { down, up, alpha }] of found) {
    const target = targets.get(layer);
    if (down !== undefined && up !== undefined && target) changes.push({ down, up, alpha, target });
    else strange.push(down ?? up ?? alpha ?? layer);
  }
  if (strange.length === 0 && changes.length > 0) return changes;
  const more = strange.length > 5 ? ` and ${strange.length - 5} more` : '';
  throw new CheckpointError(
    path,
    changes.length === 0 && strange.length === 0
      ? 'it holds no adapter.'
      : `these belong to no layer of the pipeline, or only half of them is there: ${strange.slice(0, 5).join(', ')}${more}.`,
  );
}

/** Of diffusers' files: alpha by part, where the header tells it. */
function storedAlphas(
  file: SafetensorsFile,
  changes: readonly Change[],
): ReadonlyMap<string, number> {
  const text = file.metadata.get(LORA_METADATA);
  const alphas = new Map<string, number>();
  if (text === undefined) return alphas;
  for (const { target, down } of changes) {
    if (alphas.has(target.part)) continue;
    const rank = file.entries.get(down)?.shape[0] ?? 0;
    const derived = { rank, alpha: rank, targetModules: [target.weight] };
    alphas.set(target.part, parseLoraMetadata(file.path, text, `${target.part}.`, derived).alpha);
  }
  return alphas;
}

async function apply(
  file: TensorSource,
  { down, up, alpha, target }: Change,
  scale: number,
  partAlpha: number | undefined,
): Promise<void> {
  const { model, weight, shape } = target;
  const rank = file.entries.get(down)?.shape[0] ?? 0;
  const outputs = shape[0] ?? 0;
  const inputs = elementCount(shape) / outputs;
  const [A, B] = [await floats(file, down), await floats(file, up)];
  if (rank < 1 || A.length !== rank * inputs || B.length !== outputs * rank)
    throw new CheckpointError(
      file.path,
      `"${down}" and "${up}" do not fit the weight "${weight}" [${shape}].`,
    );
  const [told] = alpha === undefined ? [partAlpha ?? rank] : await floats(file, alpha);
  const factor = (scale * (told ?? rank)) / rank;
  const change = tidy(() =>
    tensor(B, [outputs, rank])
      .matmul(tensor(A, [rank, inputs]))
      .mul(factor)
      .floats(),
  );
  const values = model.parameters.read(weight);
  const moved = toEngineLayout(change, shape);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + (moved[i] ?? 0);
  model.parameters.write(weight, values);
}

async function floats(file: TensorSource, name: string): Promise<Float32Array> {
  const { dtype, shape } = file.entries.get(name) ?? { dtype: 'F32', shape: [0] };
  const bytes = new Uint8Array(elementCount(shape) * bytesPerElement(dtype));
  await file.readBytes(name, bytes, 0);
  return toFloat32(decodeElements(dtype, bytes.buffer));
}
