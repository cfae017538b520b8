/** ImageReward's file of weights: BLIP's two encoders and a head (Xu et al. 2023, arXiv 2304.05977). */
import { dirname, join } from 'node:path';
import type { Parameters } from '../engine';
import { type BlipText, type BlipVision, blipTextWeights, blipVisionWeights } from '../models/blip';
import {
  type BlipTextConfig,
  type BlipVisionConfig,
  blipTextConfig,
  MED_CONFIG,
} from '../models/blip-config';
import type { Linear } from '../nn';
import { CheckpointError } from './checkpoint-error';
import { readJsonIfThere } from './json-file';
import { headWeights } from './linear-head';
import { openTensors } from './tensor-file';
import type { TensorSource } from './tensor-source';
import { loadWeights } from './weights';

/** Weights under the file's names. */
export interface ImageRewardParams {
  readonly blip: { readonly visual_encoder: BlipVision; readonly text_encoder: BlipText };
  readonly mlp: { readonly layers: readonly Linear[] };
}

/** Whoever loaded it owns the weights. */
export interface ImageReward {
  readonly vision: BlipVisionConfig;
  readonly text: BlipTextConfig;
  readonly parameters: Parameters;
  readonly p: ImageRewardParams;
}

/** Of BLIP's own training, on the way to a score not asked; positions that are counted anyway. */
const UNUSED = /^blip\.(vision_proj|text_proj)\.(weight|bias)$|\.position_ids$/;
const VISION = 'blip.visual_encoder';
const HEAD_WIDTH = 64; // of both sizes of BLIP's vision transformer; upstream: blip.py, `create_vit`

/**
 * Loads `ImageReward.pt`; `med_config.json` beside it says what the text encoder is, else it is the published one.
 * @throws CheckpointError that lists every weight that is missing, in excess, or of another shape
 */
export async function loadImageReward(path: string): Promise<ImageReward> {
  const file = join(dirname(path), 'med_config.json');
  const json = await readJsonIfThere(file);
  const source = await openTensors(path);
  try {
    const text = named(json ? file : path, () => blipTextConfig(json ?? MED_CONFIG));
    const vision = visionConfig(source);
    const used = [...source.entries.keys()].filter((name) => !UNUSED.test(name));
    const stored = used.map((name) => [name, { file: source, name }] as const);
    const files = { path, weights: new Map(stored), close: () => source.close() };
    const weights = [
      ...blipVisionWeights(VISION, vision),
      ...blipTextWeights('blip.text_encoder', text, vision.hiddenSize),
      ...headWeights(source, 'mlp.layers', text.hiddenSize),
    ];
    const parameters = await loadWeights(files, weights, () => []);
    return { vision, text, parameters, p: parameters.tree<ImageRewardParams>() };
  } finally {
    await source.close();
  }
}

function named<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) throw new CheckpointError(path, error.message);
    throw error;
  }
}

/** Told by the shapes, as nothing is written down of it. */
function visionConfig({ path, entries }: TensorSource): BlipVisionConfig {
  const side = (name: string, axis: number): number => {
    const size = entries.get(`${VISION}.${name}`)?.shape[axis];
    if (size !== undefined && size > 0) return size;
    throw new CheckpointError(path, `weight "${VISION}.${name}" is missing.`);
  };
  const [hiddenSize, patchSize] = [side('cls_token', 2), side('patch_embed.proj.weight', 2)];
  let layers = 0;
  while (entries.has(`${VISION}.blocks.${layers}.norm1.weight`)) layers++;
  return {
    hiddenSize,
    intermediateSize: side('blocks.0.mlp.fc1.weight', 0),
    layers,
    heads: Math.max(1, Math.floor(hiddenSize / HEAD_WIDTH)),
    imageChannels: side('patch_embed.proj.weight', 1),
    imageSize: Math.round(Math.sqrt(side('pos_embed', 1) - 1)) * patchSize,
    patchSize,
  };
}
