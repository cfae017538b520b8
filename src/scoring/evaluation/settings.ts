/** What all pictures of a folder were drawn with; a folder is gone on with only as it was begun. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import type { PromptEntry } from '../../data';
import type { DrawingOptions, SchedulerName, TextToImage } from '../../diffusion';
import { readJsonIfThere, writeJson } from '../../hub/json-file';

/** How to draw. Names and defaults are those of `sample`. */
export interface EvaluationDrawing extends DrawingOptions {
  readonly negativePrompt?: string;
  /** @default each model's own */
  readonly scheduler?: SchedulerName;
}

/**
 * Whether the prompts begin with noise of their own, or all with the same: then a seed that is lucky is so for every prompt,
 * prompts are not independent, and intervals speak of these seeds alone.
 */
export type EvaluationNoise = 'of each prompt' | 'shared';

/** Seeds of the next prompt begin so much higher. */
export const SEED_STRIDE = 100_000;

export interface EvaluationSettings {
  readonly models: readonly {
    readonly name: string;
    /** Of a path the last part. */
    readonly source: string;
    /** Of all weights. */
    readonly hash: string;
    /** The scheduler's class in the model's folder. */
    readonly scheduler: string;
  }[];
  readonly prompts: {
    readonly name: string;
    readonly count: number;
    /** SHA-256 of the prompts as JSON. */
    readonly hash: string;
  };
  readonly seeds: readonly number[];
  readonly noise: EvaluationNoise;
  readonly drawing: EvaluationDrawing;
}

const FILE = 'evaluation.json';

/** Writes the settings into a new folder, or makes sure that it was begun with the same. @throws RangeError that names what differs */
export async function beginFolder(folder: string, settings: EvaluationSettings): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, FILE);
  const found = await readJsonIfThere(path);
  const plain = JSON.parse(JSON.stringify(settings)) as EvaluationSettings;
  if (!found) return writeJson(path, plain);
  for (const name of Object.keys(plain) as (keyof EvaluationSettings)[]) {
    const [there, here] = [found[name], plain[name]].map((value) => JSON.stringify(value));
    if (there !== here)
      throw new RangeError(
        `"${folder}" holds an evaluation with other ${name}: ${excerpt(there)}, now ${excerpt(here)}; give another folder, or delete this one.`,
      );
  }
}

const excerpt = (text = 'none') => (text.length > 300 ? `${text.slice(0, 299)}…` : text);

/** Tells whose a picture is; it stands in the picture's file. */
export const pictureKey = (
  { drawing, models }: EvaluationSettings,
  model: string,
  { prompt }: PromptEntry,
  seed: number,
): string => {
  const { hash } = models.find(({ name }) => name === model) ?? { hash: '' };
  return sha256(JSON.stringify([hash, drawing, prompt, seed]));
};

export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');

/** Maps of a UNet's first level that are taken to live at once. */
const MAPS = 40;
const MOST = 32;

/**
 * Pictures that a quarter of the free memory has room for, drawn together: two rows each under guidance, at the resolution
 * where the maps are largest.
 */
export function picturesAtOnce(
  { unet }: TextToImage,
  { height, width }: EvaluationDrawing,
): number {
  const { sample_size: side, block_out_channels: widths } = unet.config.json;
  const [h = 64, w] = [side].flat().map(Number);
  const [channels = 320] = [widths].flat().map(Number);
  const positions = height && width ? (height / 8) * (width / 8) : h * (w ?? h);
  const bytes = 2 * positions * channels * 4 * MAPS;
  return Math.max(1, Math.min(MOST, Math.floor(freemem() / 4 / bytes)));
}
