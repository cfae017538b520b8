/** Scores on the disk: what a scorer has said once of a picture and a prompt it need not say again, also after a kill. */
import { createReadStream } from 'node:fs';
import { appendFile, stat, truncate } from 'node:fs/promises';
import { writeTextAtomically } from '../hub/atomic';
import type { KnownScores } from './choice';

const FORMAT = 'diffusion-dpo scores 1';
/** `key score`, the key being half a SHA-256 in hex. */
const LINE = /^([\da-f]{32}) (-?\d\S*)$/;

/**
 * Opens a file of scores, or begins it; one of another scorer's is begun anew. Lines are only ever added; the one that a
 * kill tore is taken off, and its picture scored again.
 * @param hash of the scorer's weights
 */
export async function openScoreFile(path: string, hash: string): Promise<KnownScores> {
  const head = `${FORMAT} ${hash}`;
  const scores = new Map<string, number>();
  const found = await readLines(path, (line, i) => {
    if (i === 0) return line === head;
    const [, key, score] = LINE.exec(line) ?? [];
    if (key !== undefined && Number.isFinite(Number(score))) scores.set(key, Number(score));
    return true;
  });
  if (found === 'other') await writeTextAtomically(path, `${head}\n`);
  else if (found.torn) await truncate(path, found.whole);
  return {
    get: (key) => scores.get(key),
    async add(fresh) {
      await appendFile(path, [...fresh].map(([key, score]) => `${key} ${score}\n`).join(''));
      for (const [key, score] of fresh) scores.set(key, score);
    },
  };
}

/**
 * Hands out whole lines.
 * @param take says whether to go on
 * @returns `other` where there is no such file, or it is not gone through; else where its last whole line ends, in bytes
 */
async function readLines(path: string, take: (line: string, i: number) => boolean) {
  if (!(await stat(path).catch(() => undefined))) return 'other';
  let [rest, whole, i] = ['', 0, 0];
  for await (const chunk of createReadStream(path, 'latin1')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!take(line, i++)) return 'other';
      whole += line.length + 1;
    }
  }
  return i === 0 ? 'other' : { whole, torn: rest !== '' };
}
