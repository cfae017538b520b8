import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightOptions, WeightShape } from '../engine';
import type { Model } from '../models/model';
import { CheckpointError } from './checkpoint-error';
import { isJsonObject, type JsonObject, readJson, writeJson } from './json-file';
import type { Digests, SafetensorsOptions } from './safetensors-writer';
import { openWeightFiles } from './weight-files';
import { type Aliases, allocateWeights, loadWeights, saveWeights } from './weights';

/** How one kind of model is kept in a folder: `config.json` and safetensors of a certain name. */
export interface ModelKind<C> {
  readonly stem: string;
  /** Checks a `config.json`; RangeError names the field. */
  readonly config: (json: JsonObject) => C;
  readonly weights: (config: C) => WeightShape[];
  readonly aliases: Aliases;
}

/** Element type of the weight files that are written; loading reads any. */
export type WeightDType = 'F32' | 'F16' | 'BF16';

const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;
const MOST_LAYERS = 1000; // more would be a hostile file: their names alone would fill the memory

/** What to load. */
export interface LoadOptions extends WeightOptions {
  /** Prefers weight files with this in their name, such as `fp16`. */
  readonly variant?: string | undefined;
}

/** How to save. */
export interface SaveOptions extends Pick<SafetensorsOptions, 'checksum'> {
  /** @default 'F32' */
  readonly dtype?: WeightDType;
  /** Part of the weight file's name, such as `fp16`. */
  readonly variant?: string;
}

/** Loads a model folder. @throws CheckpointError naming the file and what is wrong with it. */
export async function loadModel<C extends { readonly json: JsonObject }, P>(
  dir: string,
  kind: ModelKind<C>,
  { variant, matrices }: LoadOptions = {},
): Promise<Model<C, P>> {
  const path = join(dir, 'config.json');
  const config = checkedConfig(path, await readJson(path), kind);
  const files = await openWeightFiles(dir, kind.stem, { variant });
  try {
    const shapes = kind.weights(config);
    const parameters = await loadWeights(files, shapes, kind.aliases, { matrices });
    return { config, parameters, p: parameters.tree<P>() };
  } finally {
    await files.close();
  }
}

/** A model of that kind with all weights zero. */
export function emptyModel<C, P>(json: JsonObject, kind: ModelKind<C>): Model<C, P> {
  const config = kind.config(json);
  const parameters = allocateWeights(kind.weights(config));
  return { config, parameters, p: parameters.tree<P>() };
}

/**
 * Writes a model folder, which may exist. Its `config.json` is the one that was read.
 * @returns digests of what was hashed on the way: the weights, unless their hash stands in the file itself (the default)
 */
export async function saveModel<C extends { readonly json: JsonObject }, P>(
  { config, parameters }: Model<C, P>,
  dir: string,
  kind: ModelKind<C>,
  { dtype = 'F32', variant, checksum }: SaveOptions = {},
): Promise<Digests> {
  await mkdir(dir, { recursive: true });
  await writeJson(join(dir, 'config.json'), withDType(config.json, TORCH_DTYPES[dtype]));
  const file = variant === undefined ? kind.stem : `${kind.stem}.${variant}`;
  const path = join(dir, `${file}.safetensors`);
  return saveWeights(path, parameters, kind.weights(config), dtype, { checksum });
}

/** A `config.json`, checked. @throws CheckpointError that names the file. */
export function checkedConfig<C>(path: string, json: JsonObject, kind: ModelKind<C>): C {
  refuseEndlessLayers(path, json);
  try {
    return kind.config(json);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(path, error.message);
    throw error;
  }
}

function refuseEndlessLayers(path: string, json: JsonObject): void {
  for (const [name, value] of Object.entries(json)) {
    if (isJsonObject(value)) refuseEndlessLayers(path, value);
    const counts = Array.isArray(value) ? [value.length, ...value] : [value];
    const tooMany = counts.find((n) => typeof n === 'number' && n > MOST_LAYERS);
    if (!/layers|block_types/.test(name) || tooMany === undefined) continue;
    throw new CheckpointError(
      path,
      `"${name}" asks for ${tooMany} layers; ${MOST_LAYERS} is the limit.`,
    );
  }
}

/** transformers casts to the dtype that the config names, so it must name the one in the file. */
function withDType(json: JsonObject, dtype: string): JsonObject {
  const named = Object.keys(json).filter((name) => name === 'dtype' || name === 'torch_dtype');
  return { ...json, ...Object.fromEntries(named.map((name) => [name, dtype])) };
}
