/** A CLIP in OpenCLIP's layout: `open_clip_config.json` and one file of weights under its own names. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { WeightShape } from '../engine';
import type { ClipModel, ClipModelParams } from '../models';
import { CheckpointError } from './checkpoint-error';
import { type JsonObject, readJsonIfThere } from './json-file';
import { checkedConfig } from './model-folder';
import { CLIP } from './model-kinds';
import { type OpenClipConfig, openClipConfig } from './open-clip-config';
import { openClipModelRule } from './original/open-clip-rule';
import { behind, type Rule, type StoredAs } from './original/stored-as';
import { viewModel } from './original/stored-views';
import { openTensors } from './tensor-file';
import { elementCount, type TensorSource } from './tensor-source';
import { loadWeights } from './weights';

export const OPEN_CLIP_CONFIG = 'open_clip_config.json';

/** In the order in which open_clip looks for them. Source: factory.py, `_find_checkpoint_in_dir`. */
export const OPEN_CLIP_WEIGHTS = [
  'open_clip_model.safetensors',
  'open_clip_pytorch_model.safetensors',
  'open_clip_pytorch_model.bin',
  'open_clip_pytorch_model.pth',
] as const;

/** Whoever loaded it owns the weights. */
export interface OpenClip extends Omit<OpenClipConfig, 'json'> {
  readonly model: ClipModel;
  /** The file of the weights. */
  readonly path: string;
}

/** The file of an OpenCLIP folder's weights, or undefined where it has none under a known name. */
export async function openClipWeights(dir: string): Promise<string | undefined> {
  for (const name of OPEN_CLIP_WEIGHTS) {
    const path = join(dir, name);
    if (await stat(path).catch(() => undefined)) return path;
  }
  return undefined;
}

/**
 * Loads a file of weights: safetensors, or what `torch.save` writes, the weights alone or as `state_dict` beside the
 * notes of a training run.
 * @param fallback the configuration where no `open_clip_config.json` stands beside the file
 * @throws CheckpointError that lists every weight that is missing, in excess, or of another shape
 */
export async function loadOpenClip(path: string, fallback: JsonObject): Promise<OpenClip> {
  const file = join(dirname(path), OPEN_CLIP_CONFIG);
  const found = await readJsonIfThere(file);
  const told = found ? file : path;
  const { json, ...facts } = openClipConfig(told, found ?? fallback);
  const config = checkedConfig(told, json, CLIP);
  const weights = CLIP.weights(config);
  const source = await openTensors(path);
  try {
    const names = [...source.entries.keys()];
    const isWrapped = names.length > 0 && names.every((name) => name.startsWith('module.'));
    const rule = isWrapped ? behind('module.', openClipModelRule) : openClipModelRule; // of parallel training
    checkStored(source, weights, rule);
    const view = viewModel(source, weights, rule, new Set());
    const parameters = await loadWeights(view, weights, () => []);
    return { ...facts, path, model: { config, parameters, p: parameters.tree<ClipModelParams>() } };
  } finally {
    await source.close();
  }
}

/** Tells of weights by the names that the file has for them. */
function checkStored(source: TensorSource, weights: readonly WeightShape[], rule: Rule): void {
  const expected = new Map(weights.map(([name, shape]) => storedShape(rule(name), shape)));
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const entry = source.entries.get(name);
    if (!entry) problems.push(`weight "${name}" is missing; the model expects [${shape}]`);
    else if (!fits(entry.shape, shape))
      problems.push(
        `weight "${name}" has the shape [${entry.shape}]; the model expects [${shape}]`,
      );
  }
  for (const name of source.entries.keys())
    if (!expected.has(name)) problems.push(`weight "${name}" is not part of the model`);
  if (problems.length === 0) return;
  const more = problems.length > 8 ? `; and ${problems.length - 8} more` : '';
  throw new CheckpointError(source.path, `${problems.slice(0, 8).join('; ')}${more}.`);
}

function storedShape({ name, third, form }: StoredAs, shape: readonly number[]) {
  const [rows = 0, ...rest] = shape;
  const stored = third === undefined ? shape : [3 * rows, ...rest];
  return [name, form === 'transposed' ? [...stored].reverse() : stored] as const;
}

/** A scalar may stand as a list of one. */
const fits = (stored: readonly number[], expected: readonly number[]) =>
  String(stored) === String(expected) || (expected.length === 0 && elementCount(stored) === 1);
