/** Draws the pictures of an evaluation that are not there yet. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodePng, type PromptEntry } from '../../data';
import { readPngText } from '../../data/read-png-text';
import { generateImages, type TextToImage } from '../../diffusion';
import { writeFileAtomically } from '../../hub/atomic';
import { type EvaluatedModels, type ModelOptions, openModel } from './models';
import { type EvaluationSettings, pictureKey, picturesAtOnce, SEED_STRIDE } from './settings';

/** One picture: who draws what from which seed, and where it is kept. */
export interface PlannedPicture {
  readonly model: string;
  /** Position among the prompts. */
  readonly promptIndex: number;
  readonly entry: PromptEntry;
  /** That of `npm run sample`. */
  readonly seed: number;
  /** Relative to the folder. */
  readonly file: string;
  /** Stands in the file, so that another's picture is not taken for it. */
  readonly key: string;
}

export interface PictureRecord {
  readonly stage: 'drawing';
  readonly model: string;
  /** Of this model, those there before among them. */
  readonly done: number;
  readonly total: number;
  /** The one that was drawn; missing in the record that begins a model. */
  readonly picture?: PlannedPicture;
}

/** All pictures, model by model, the seeds of a prompt one after the other. */
export function plannedPictures(
  settings: EvaluationSettings,
  prompts: readonly PromptEntry[],
): PlannedPicture[] {
  return settings.models.flatMap(({ name: model }) =>
    prompts.flatMap((entry, promptIndex) =>
      settings.seeds.map((first) => {
        const seed = settings.noise === 'shared' ? first : first + promptIndex * SEED_STRIDE;
        return {
          ...{ model, promptIndex, entry, seed },
          file: join('pictures', model, `${String(promptIndex).padStart(5, '0')}-${seed}.png`),
          key: pictureKey(settings, model, entry, seed),
        };
      }),
    ),
  );
}

export interface DrawingHooks extends ModelOptions {
  readonly signal?: AbortSignal | undefined;
  /** Pictures in one batch. @default what the memory has room for */
  readonly drawnTogether?: number | undefined;
}

/**
 * Draws what is missing and yields each picture as it is on the disk. A model is loaded where one of its pictures is missing.
 * Picture and seed are those of `npm run sample --seed`: the noise that a run begins with is the torch-exact generator's, so
 * that for one prompt and seed all models start alike.
 */
export async function* drawPictures(
  folder: string,
  models: EvaluatedModels,
  settings: EvaluationSettings,
  prompts: readonly PromptEntry[],
  hooks: DrawingHooks = {},
): AsyncGenerator<PictureRecord, void, void> {
  const all = plannedPictures(settings, prompts);
  for (const { name } of settings.models) {
    const own = all.filter(({ model }) => model === name);
    const missing = own.filter((picture) => !isDrawn(folder, picture));
    if (missing.length === 0) continue;
    const there = own.length - missing.length;
    yield { stage: 'drawing', model: name, done: there, total: own.length };
    const { signal, drawnTogether, ...hub } = hooks;
    const { pipeline, dispose } = await openModel(models[name] as string, { ...hub, signal });
    try {
      const atOnce = drawnTogether ?? picturesAtOnce(pipeline, settings.drawing);
      for (let from = 0; from < missing.length; from += atOnce) {
        signal?.throwIfAborted();
        const batch = missing.slice(from, from + atOnce);
        await drawBatch(folder, pipeline, settings, batch);
        for (const [i, picture] of batch.entries())
          yield {
            stage: 'drawing',
            model: name,
            done: there + from + i + 1,
            total: own.length,
            picture,
          };
        await new Promise(setImmediate); // a signal gets its turn
      }
    } finally {
      dispose();
    }
  }
}

async function drawBatch(
  folder: string,
  pipeline: TextToImage,
  { drawing }: EvaluationSettings,
  batch: readonly PlannedPicture[],
): Promise<void> {
  const images = generateImages(pipeline, {
    ...drawing,
    prompt: batch.map(({ entry }) => entry.prompt),
    seed: batch.map(({ seed }) => seed),
  });
  for (const [i, image] of images.entries()) {
    const { file, entry, seed, model, key } = batch[i] as PlannedPicture;
    const settings = JSON.stringify({ model, ...drawing });
    const text = { prompt: entry.prompt, seed: String(seed), settings, evaluation: key };
    const png = await encodePng(image, { text: { ...text, Software: 'diffusion-dpo' } });
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, (handle) => handle.writeFile(png));
  }
}

/** A file that is cut off, or another's, is drawn again. */
function isDrawn(folder: string, { file, key }: PlannedPicture): boolean {
  const path = join(folder, file);
  if (!existsSync(path)) return false;
  const bytes = readFileSync(path);
  return endsWhole(bytes) && readPngText(bytes).get('evaluation') === key;
}

/** Whether a PNG file has its signature and its last chunk. */
const endsWhole = (bytes: Buffer) =>
  bytes.length > 45 &&
  bytes.readUInt32BE(0) === 0x89504e47 &&
  bytes.toString('latin1').endsWith('IEND\xaeB`\x82');

/** The bytes of a picture's file. */
export const readPicture = (folder: string, { file }: PlannedPicture): Promise<Buffer> =>
  readFile(join(folder, file));

/** SHA-256 of what a PNG file draws: the same for one picture by two models, whatever is written beside it. */
export function pictureHash(png: Buffer): string {
  const hash = createHash('sha256');
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR' || type === 'IDAT') hash.update(png.subarray(at + 8, at + 8 + length));
    at += length + 12; // length, type and checksum
  }
  return hash.digest('hex');
}
