import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage, PictureError, type RgbImage } from '../data/image';
import { loadSelector, SCORERS, type SelectorIdentity } from '../scoring';
import { formatBytes } from '../show/text';
import { hubOptions } from './hub-flags';
import { UsageError } from './output-files';
import { ProgressLine } from './progress-line';
import type { ScoreArgs } from './score-args';

/** One picture's number. */
export interface Scored {
  readonly file: string;
  readonly score: number;
}

export interface Scores {
  /** In the order in which the pictures were named; those of a folder by name. */
  readonly scored: readonly Scored[];
  readonly identity: SelectorIdentity;
  /** A sentence for each picture that cannot be read; it has no score. */
  readonly damaged: readonly string[];
}

const PICTURE = /\.(png|jpe?g|webp)$/i;

/** How long a job may take without a line of progress, in milliseconds. */
const PATIENCE = 2000;

/**
 * Loads the scorer, then reads and scores as many pictures at a time as fit into one pass.
 * @throws Error whose message says what is wrong, and where
 */
export async function scorePictures(args: ScoreArgs): Promise<Scores> {
  const { selector: name, weights, mlp, processor, torchvision } = args;
  const files = await pictureFiles(args.pictures);
  const options = { weights, mlp, processor, torchvision };
  const selector = await loadSelector(name, {
    ...options,
    batchSize: args.batch_size,
    ...hubOptions(args).main,
  });
  const [scored, damaged]: [Scored[], string[]] = [[], []];
  const line = new ProgressLine('scoring', 'picture');
  const started = performance.now();
  try {
    for (let from = 0; from < files.length; from += args.batch_size) {
      const batch = files.slice(from, from + args.batch_size);
      const [paths, images] = await readAll(batch, damaged);
      const scores = selector.scoreMany(images, Array(images.length).fill(args.prompt));
      scored.push(...paths.map((file, i) => ({ file, score: scores[i] as number })));
      if (performance.now() - started > PATIENCE) line.update(from + batch.length, files.length);
    }
    return { scored, identity: selector.identity, damaged };
  } finally {
    selector.dispose();
  }
}

/** The files that are named, and in the place of a folder the pictures in it. @throws UsageError */
async function pictureFiles(named: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of named) {
    const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`The picture ${path} cannot be read (${error.code}).`);
    });
    if (!stats.isDirectory()) {
      files.push(path);
      continue;
    }
    const inside = (await readdir(path)).filter((file) => PICTURE.test(file)).sort();
    if (inside.length === 0)
      throw new UsageError(`The folder ${path} has no pictures (PNG, JPEG, WebP).`);
    files.push(...inside.map((file) => join(path, file)));
  }
  return files;
}

/** Pictures that can be read, and where they are; a sentence on each other one is added to `damaged`. */
async function readAll(
  files: readonly string[],
  damaged: string[],
): Promise<readonly [paths: string[], images: RgbImage[]]> {
  const [paths, images]: [string[], RgbImage[]] = [[], []];
  for (const file of files) {
    try {
      images.push(await decodeImage(await readFile(file)));
      paths.push(file);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      damaged.push(`${file}: ${error.message}`);
    }
  }
  return [paths, images];
}

/** `{"file":…,"score":…}` in full precision, and whose number it is. */
export const jsonLine = ({ file, score }: Scored, { name, revision, hash }: SelectorIdentity) =>
  JSON.stringify({ file, score, selector: name, revision, hash });

/** A row a picture under a line on the scorer. */
export function table(
  scored: readonly Scored[],
  { name, revision, hash }: SelectorIdentity,
): string {
  const numbers = scored.map(({ score }) => score.toFixed(6));
  const width = Math.max(5, ...numbers.map((number) => number.length));
  const rows = scored.map(({ file }, i) => `${numbers[i]?.padStart(width)}  ${file}`);
  return [
    `${name}, revision ${revision}, SHA-256 ${hash}`,
    `${'score'.padStart(width)}  picture`,
    ...rows,
  ].join('\n');
}

const UNTRIED = `All are held to the original's formulas on small models of the same kinds; the published weights themselves have not
been tried.`;

/** Which files each scorer needs, how large they are, and their licence. */
export function scorerList(): string {
  const blocks = Object.entries(SCORERS).map(([name, { what, files, licence, unverified }]) =>
    [
      `${name}: ${what}`,
      ...files.map(({ from, name: file, bytes }) => `  ${formatBytes(bytes)}  ${file}, of ${from}`),
      `  licence: ${licence}${unverified === undefined ? '' : ` (not verified: ${unverified})`}`,
    ].join('\n'),
  );
  return [...blocks, UNTRIED].join('\n\n');
}
