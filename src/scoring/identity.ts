import { createHash } from 'node:crypto';
import { fileSha256 } from '../hub/file-hash';

/** Which scorer gave a number: what a name stands for changes, the bytes of its weights do not. */
export interface SelectorIdentity {
  /** As it was asked for: `pickscore`, `hps`, …, or a path. */
  readonly name: string;
  /** Commit of the hub that the weights are of, or `local`. */
  readonly revision: string;
  /** SHA-256 in hex of the weight file; of several, of their sorted hashes, one a line. */
  readonly hash: string;
}

/** The hash that identifies a set of weight files, whatever they are called and in whichever order they are named. */
export async function weightsHash(paths: readonly string[]): Promise<string> {
  const hashes: string[] = [];
  for (const path of new Set(paths)) hashes.push(await fileSha256(path));
  const [first, ...more] = hashes.sort();
  if (first !== undefined && more.length === 0) return first;
  return createHash('sha256').update(hashes.join('\n')).digest('hex');
}
