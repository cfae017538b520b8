/**
 * Beginnings of files that are being downloaded: `blobs/<digest>.<who>.incomplete`. Each process writes one of its own,
 * so none can spoil another's; one that a dead process left is taken over by a rename, and goes on where it ended.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Without a byte for so long, a file whose writer cannot be asked is taken for abandoned: longer than any retry waits. */
const ABANDONED_MS = 600_000;

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const OURS = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$/;

/** Those that this process writes at the moment. */
const active = new Set<string>();

/** A beginning, and the right to go on with it. */
export interface Partial {
  readonly path: string;
  /** Gives the right back; the file stays where it was not renamed. */
  release(): void;
}

/**
 * A beginning of `blob` for this process: the longest that nobody writes, or an empty one.
 * @returns undefined where another process is at work on this file; look again later
 */
export async function claimPartial(blob: string): Promise<Partial | undefined> {
  if ((await living(blob)).length > 0) return undefined;
  const path = `${blob}.${HOST}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`;
  active.add(path);
  const release = () => void active.delete(path);
  try {
    await (await open(path, 'wx')).close();
    // Each makes its file before it looks: of two that begin in the same moment one sees the other, or both do. Whoever
    // sees another steps back, so that never two go on; after unequal pauses one finds itself alone.
    const others = (await living(blob)).filter((other) => other !== path);
    if (others.length > 0) {
      await rm(path, { force: true });
      release();
      return undefined;
    }
    await takeOver(blob, path);
    return { path, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Removes what nobody will go on with, once the blob is whole. */
export async function removeAbandoned(blob: string): Promise<void> {
  for (const { path, state } of await beginnings(blob))
    if (state === 'abandoned') await rm(path, { force: true });
}

async function takeOver(blob: string, path: string): Promise<void> {
  const abandoned = (await beginnings(blob)).filter(({ state }) => state === 'abandoned');
  const [longest, ...rest] = abandoned.sort((a, b) => b.size - a.size);
  if (!longest) return;
  await rename(longest.path, path).catch(unlessGone);
  for (const other of rest) await rm(other.path, { force: true });
}

const living = async (blob: string) =>
  (await beginnings(blob)).filter(({ state }) => state === 'ours').map(({ path }) => path);

interface Beginning {
  readonly path: string;
  readonly size: number;
  /** `ours`: a living process of this project writes it; `other`: perhaps another program does. */
  readonly state: 'ours' | 'abandoned' | 'other';
}

async function beginnings(blob: string): Promise<Beginning[]> {
  const [folder, digest] = [dirname(blob), basename(blob)];
  const found: Beginning[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${digest}.`) || !name.endsWith('incomplete')) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(unlessGone);
    if (!stats?.isFile()) continue;
    const isOld = Date.now() - stats.mtimeMs > ABANDONED_MS;
    const who = name.slice(digest.length + 1, -'.incomplete'.length);
    found.push({ path, size: stats.size, state: isOld ? 'abandoned' : stateOf(who, path) });
  }
  return found;
}

function stateOf(who: string, path: string): Beginning['state'] {
  const [, host, pid] = OURS.exec(who) ?? [];
  if (host === undefined) return 'other';
  if (host !== HOST) return 'ours';
  if (Number(pid) === process.pid) return active.has(path) ? 'ours' : 'abandoned';
  return isAlive(Number(pid)) ? 'ours' : 'abandoned';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
