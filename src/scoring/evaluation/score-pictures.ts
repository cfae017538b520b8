/** Numbers of pictures that were drawn; each is computed once, and kept by the picture's hash and the scorer's. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage, type RgbImage } from '../../data';
import type { SelectorIdentity } from '../identity';
import type { ScorerOptions } from '../scorer-kinds';
import { type Variety, variety } from '../variety';
import { LineCache } from './line-cache';
import { differenceHash, type Look, look } from './picture-look';
import { type PlannedPicture, pictureHash, readPicture } from './pictures';
import { openScorer } from './scorers';
import { sha256 } from './settings';

export interface ScoringRecord {
  readonly stage: 'scoring' | 'looking';
  /** The scorer's name; '' while pictures are looked at. */
  readonly scorer: string;
  readonly done: number;
  readonly total: number;
}

/** What one scorer gave. */
export interface Scored {
  readonly identity: SelectorIdentity;
  /** By the picture's file. */
  readonly scores: ReadonlyMap<string, number>;
}

/** Pictures that are decoded at a time. */
const AT_ONCE = 32;

/** @throws RangeError where a scorer gives no finite number */
export async function* scorePictures(
  folder: string,
  pictures: readonly PlannedPicture[],
  spec: string,
  { signal, ...options }: ScorerOptions = {},
): AsyncGenerator<ScoringRecord, Scored, void> {
  const scorer = await openScorer(spec, { ...options, signal });
  const { name, hash } = scorer.identity;
  const cache = await openCache<number>(
    folder,
    `${name.replace(/[^\w.-]/g, '_')}-${hash.slice(0, 12)}`,
  );
  const scores = new Map<string, number>();
  try {
    yield { stage: 'scoring', scorer: name, done: 0, total: pictures.length };
    for (let from = 0; from < pictures.length; from += AT_ONCE) {
      signal?.throwIfAborted();
      const chunk = await Promise.all(
        pictures.slice(from, from + AT_ONCE).map(async (picture) => {
          const bytes = await readPicture(folder, picture);
          return {
            picture,
            bytes,
            key: `${pictureHash(bytes)} ${sha256(picture.entry.prompt).slice(0, 16)}`,
          };
        }),
      );
      const missing = chunk.filter(({ key }) => cache.get(key) === undefined);
      const images = await Promise.all(missing.map(({ bytes }) => decodeImage(bytes)));
      const prompts = missing.map(({ picture }) => picture.entry.prompt);
      const given = missing.length === 0 ? [] : scorer.scoreMany(images, prompts);
      const wrong = given.findIndex((score) => !Number.isFinite(score));
      if (wrong >= 0)
        throw new RangeError(`"${name}" gives ${missing[wrong]?.picture.file} no number.`);
      cache.add(missing.map(({ key }, i) => [key, given[i] as number]));
      for (const { picture, key } of chunk) scores.set(picture.file, cache.get(key) as number);
      yield { stage: 'scoring', scorer: name, done: scores.size, total: pictures.length };
      await new Promise(setImmediate); // a signal gets its turn
    }
    return { identity: scorer.identity, scores };
  } finally {
    cache.close();
    scorer.dispose();
  }
}

async function openCache<T>(folder: string, name: string): Promise<LineCache<T>> {
  await mkdir(join(folder, 'scores'), { recursive: true });
  return new LineCache(join(folder, 'scores', `${name}.jsonl`));
}

/** What is seen of one picture without a scorer. */
export interface Seen extends Look {
  readonly differenceHash: string;
  /** SHA-256 of the pixels. */
  readonly pixels: string;
}

export interface LookedAt {
  /** By the picture's file. */
  readonly seen: ReadonlyMap<string, Seen>;
  /** How much the pictures of one prompt differ, by the first one's file; empty for one seed. */
  readonly variety: ReadonlyMap<string, Variety>;
}

export const seenIn = (image: RgbImage): Seen => ({
  ...look(image),
  differenceHash: differenceHash(image),
  pixels: sha256(image.data),
});

/** Looks at all pictures, those of one prompt by one model together. @param seeds pictures of a prompt */
export async function* lookAtPictures(
  folder: string,
  pictures: readonly PlannedPicture[],
  seeds: number,
  { signal }: Pick<ScorerOptions, 'signal'> = {},
): AsyncGenerator<ScoringRecord, LookedAt, void> {
  const cache = await openCache<Seen & { readonly variety?: Variety }>(folder, 'looks');
  const [seen, varieties] = [new Map<string, Seen>(), new Map<string, Variety>()];
  try {
    yield { stage: 'looking', scorer: '', done: 0, total: pictures.length };
    for (let from = 0; from < pictures.length; from += seeds) {
      signal?.throwIfAborted();
      const group = pictures.slice(from, from + seeds);
      const files = await Promise.all(group.map((picture) => readPicture(folder, picture)));
      const hashes = files.map(pictureHash);
      const together = hashes.join(' ');
      const keys = hashes.map((hash, i) => (i === 0 ? together : hash));
      if (keys.some((key) => !cache.get(key))) {
        const images = await Promise.all(files.map((bytes) => decodeImage(bytes)));
        const spread = seeds > 1 ? { variety: variety(images) } : {};
        cache.add(
          images.map((image, i) => [
            keys[i] as string,
            { ...seenIn(image), ...(i === 0 ? spread : {}) },
          ]),
        );
      }
      for (const [i, { file }] of group.entries()) {
        const { variety: spread, ...one } = cache.get(keys[i] as string) as Seen & {
          variety?: Variety;
        };
        seen.set(file, one);
        if (spread) varieties.set(file, spread);
      }
      yield { stage: 'looking', scorer: '', done: seen.size, total: pictures.length };
      await new Promise(setImmediate); // a signal gets its turn
    }
    return { seen, variety: varieties };
  } finally {
    cache.close();
  }
}
