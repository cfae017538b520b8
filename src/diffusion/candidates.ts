/** Draws pictures for people to choose between, into a folder that `data/candidates.ts` reads. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  CANDIDATES,
  type Candidate,
  type CandidateSettings,
  readCandidates,
} from '../data/candidates';
import { encodePng } from '../data/image';
import { writeFileAtomically } from '../hub/atomic';
import { weightsDigest } from '../models';
import { generateImages } from './sample';
import type { DrawingOptions, TextToImage } from './sample-plan';
import type { SchedulerName } from './scheduler-classes';

export interface CandidateOptions extends DrawingOptions {
  /** The folder; made where it is not there. */
  readonly outputDir: string;
  /** Pictures of each prompt by each model. @default 2 by one model, 1 by several */
  readonly perPrompt?: number;
  /** Picture k of prompt i is drawn from `seed + i · perPrompt + k`, by every model. @default 0 */
  readonly seed?: number;
  readonly negativePrompt?: string;
  readonly scheduler?: SchedulerName;
  /** Pictures drawn in one batch: more are faster, and need more memory. @default 4 */
  readonly drawnTogether?: number;
  readonly signal?: AbortSignal;
}

/** Models by the names that the index gives them; nobody who labels sees those. */
export type CandidateModels = { readonly [name: string]: TextToImage };

/**
 * Draws candidates and yields each as it is on the disk: a PNG file and a line of the index. The same call goes on where
 * it was cut off and ends with the same files; batches are those of a call that was not.
 *
 * @param models one pipeline, called `model`, whose pictures of a prompt are compared with each other; or several by their
 *   names, which are compared at the same seed
 * @throws RangeError for options without meaning, or a folder that was begun with other prompts, models or settings
 */
export async function* generateCandidates(
  prompts: readonly string[],
  models: TextToImage | CandidateModels,
  options: CandidateOptions,
): AsyncGenerator<Candidate, void, void> {
  const named = isPipeline(models) ? { model: models } : models;
  const plan = planned(prompts, named, options);
  const { outputDir, signal } = options;
  const { listed, index } = openIndex(outputDir, plan.settings);
  const isDrawn = ({ file_name }: Candidate) =>
    listed.has(file_name) && existsSync(join(outputDir, file_name));
  try {
    for (const chunk of plan.chunks) {
      const missing = chunk.filter((candidate) => !isDrawn(candidate));
      if (missing.length === 0) continue;
      signal?.throwIfAborted();
      const { model = '' } = chunk[0] ?? {};
      const images = generateImages(named[model] as TextToImage, {
        ...plan.drawing,
        prompt: chunk.map(({ prompt }) => prompt),
        seed: chunk.map(({ seed }) => seed),
      });
      for (const [i, candidate] of chunk.entries()) {
        const image = images[i];
        if (!image || !missing.includes(candidate)) continue;
        const png = await encodePng(image); // without text: a file must not tell who drew it
        await writeFileAtomically(join(outputDir, candidate.file_name), async (file) => {
          await file.writeFile(png);
        });
        if (!listed.has(candidate.file_name)) addLine(index, candidate);
        yield candidate;
      }
    }
  } finally {
    closeSync(index);
  }
}

/** How many pictures `generateCandidates` draws. */
export const candidateCount = (
  prompts: readonly string[],
  models: TextToImage | CandidateModels,
  { perPrompt }: Pick<CandidateOptions, 'perPrompt'> = {},
): number => {
  const count = isPipeline(models) ? 1 : Object.keys(models).length;
  return prompts.length * count * (perPrompt ?? defaultPerPrompt(count));
};

const defaultPerPrompt = (models: number) => (models === 1 ? 2 : 1);

const isPipeline = (models: TextToImage | CandidateModels): models is TextToImage =>
  'unet' in models && 'config' in models.unet;

function planned(
  prompts: readonly string[],
  models: CandidateModels,
  {
    outputDir: _,
    signal: __,
    perPrompt: asked,
    seed = 0,
    drawnTogether = 4,
    ...rest
  }: CandidateOptions,
) {
  const names = Object.keys(models);
  const perPrompt = asked ?? defaultPerPrompt(names.length);
  positive('perPrompt', perPrompt);
  positive('drawnTogether', drawnTogether);
  if (prompts.length === 0) throw new RangeError('There is no prompt to draw.');
  if (names.length * perPrompt < 2)
    throw new RangeError('One picture of each prompt leaves nothing to choose; draw 2 or more.');
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed is ${seed}; it must be a whole number, 0 or more.`);
  const chunks: Candidate[][] = [];
  const places = prompts.flatMap((prompt, i) =>
    Array.from({ length: perPrompt }, (_, k) => ({ prompt, i, k })),
  );
  for (let from = 0; from < places.length; from += drawnTogether)
    for (const [m, model] of names.entries())
      chunks.push(
        places.slice(from, from + drawnTogether).map(({ prompt, i, k }) => ({
          file_name: `${String(i).padStart(5, '0')}-${k}-${m}.png`,
          ...{ prompt, prompt_index: i, model, seed: seed + i * perPrompt + k },
        })),
      );
  const digests = names.map((name) => `${name} ${weightsDigest(models[name]?.unet.p)}`);
  const drawing = JSON.parse(JSON.stringify({ ...rest, drawnTogether }));
  const settings: CandidateSettings = {
    ...{ prompts: sha256(JSON.stringify(prompts)), perPrompt, seed, models: digests, drawing },
  };
  return { settings, chunks, drawing: rest };
}

function positive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} is ${value}; it must be a whole number, 1 or more.`);
}

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

/** The index, open at its end, and the pictures that it lists. */
function openIndex(folder: string, settings: CandidateSettings) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, CANDIDATES);
  const isBegun = existsSync(path) && readFileSync(path).includes(10);
  const found = isBegun ? readCandidates(folder) : { bytes: 0, candidates: [], settings };
  for (const [name, value] of Object.entries(settings)) {
    const there = JSON.stringify(found.settings[name as keyof CandidateSettings]);
    if (there === JSON.stringify(value)) continue;
    throw new RangeError(
      `"${folder}" was begun with other candidates: ${name} was ${there}, is ${JSON.stringify(value)}; take another folder.`,
    );
  }
  const index = openSync(path, 'a');
  ftruncateSync(index, found.bytes); // what follows is of a process that was killed while it wrote
  if (!isBegun) addLine(index, settings);
  return { index, listed: new Set(found.candidates.map(({ file_name }) => file_name)) };
}

function addLine(index: number, line: object): void {
  writeSync(index, `${JSON.stringify(line)}\n`);
  fsyncSync(index);
}
