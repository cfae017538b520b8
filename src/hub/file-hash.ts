import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';

/** What was hashed already, by path, size and time: weights of gigabytes are read once in a process. */
const known = new Map<string, Promise<string>>();

/** SHA-256 of a file in hex, read as a stream. A file that has not changed since is not read again. */
export async function fileSha256(path: string): Promise<string> {
  const real = await realpath(path);
  const { size, mtimeMs, ino } = await stat(real);
  const key = [real, size, mtimeMs, ino].join(' ');
  const hash = known.get(key) ?? sha256Of(real);
  known.set(key, hash);
  hash.catch(() => known.delete(key)); // the caller gets the error; the next call tries again
  return hash;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}
