/** One file of a repository, from the hub into the cache: whole and as promised, or not at all. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncFolder } from '../atomic';
import { type RepoCache, sizeOf } from './cache-layout';
import { HubError } from './hub-error';
import type { RepoFile } from './listing';
import { claimPartial, removeAbandoned } from './partial';
import { repoPath } from './repo-name';
import { isPassing, RetryClock } from './retry';
import type { HubSession } from './session';

/** Damaged deliveries of one file, each thrown away, before it is given up. */
const MOST_DAMAGED = 3;
const LOOK_AGAIN_MS = 200;

export interface FileProgress {
  /** Told by how many bytes more of the file are here; fewer, where some were thrown away. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Fetches a file into its blob unless it is there. @throws HubError naming the file; nothing damaged is kept */
export async function downloadBlob(
  session: HubSession,
  cache: RepoCache,
  commit: string,
  file: RepoFile,
  { onBytes = () => undefined }: FileProgress = {},
): Promise<void> {
  const blob = cache.blob(file.digest.hex);
  await mkdir(dirname(blob), { recursive: true });
  const { signal } = session.options;
  for (;;) {
    signal?.throwIfAborted();
    // A blob of another size is what a client without checks left behind.
    if ((await sizeOf(blob)) === file.size) return onBytes(file.size);
    const partial = await claimPartial(blob);
    if (!partial) {
      await sleep(LOOK_AGAIN_MS * (0.5 + Math.random()));
      continue;
    }
    if ((await sizeOf(blob)) === file.size) {
      partial.release(); // whoever had it has ended between the look and the claim
      await removeAbandoned(blob);
      continue;
    }
    try {
      await fill(session, partial.path, commit, file, onBytes);
      await rename(partial.path, blob);
    } finally {
      partial.release();
    }
    await syncFolder(dirname(blob));
    await removeAbandoned(blob);
    return;
  }
}

/** Brings a beginning to its end, and checks what has come. */
async function fill(
  session: HubSession,
  path: string,
  commit: string,
  file: RepoFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for (let damaged = 1; ; damaged++) {
    const handle = await open(path, 'r+');
    try {
      const digest = await receive(session, { handle, path, commit, file, onBytes }).catch(
        async (error: unknown) => {
          if (error instanceof HubError && error.reason === 'damaged') await handle.truncate(0);
          throw error;
        },
      );
      if (digest === file.digest.hex) return await handle.sync();
      await handle.truncate(0);
      onBytes(-file.size);
      if (damaged < MOST_DAMAGED) continue;
      const { algorithm, hex } = file.digest;
      throw new HubError(
        `${session.repo.name}: "${file.path}" came damaged ${damaged} times (${algorithm} ${digest}, expected ${hex}); nothing of it was kept.`,
        undefined,
        'damaged',
      );
    } finally {
      await handle.close();
    }
  }
}

interface Reception {
  readonly handle: FileHandle;
  readonly path: string;
  readonly commit: string;
  readonly file: RepoFile;
  readonly onBytes: (bytes: number) => void;
}

/** Goes on from what is there until the last byte. Returns the digest of all. */
async function receive(session: HubSession, reception: Reception): Promise<string> {
  const { handle, path, file, onBytes } = reception;
  const state = { have: (await handle.stat()).size, hash: newHash(file) };
  if (state.have > file.size) {
    await handle.truncate(0);
    state.have = 0;
  }
  if (state.have > 0) await hashBeginning(path, state.have, state.hash);
  onBytes(state.have);
  const clock = new RetryClock(session.settings.patience, session.options.signal);
  while (state.have < file.size) {
    const before = state.have;
    try {
      const answer = await session.ask(fileUrl(session, reception.commit, file), {
        headers: before > 0 ? { Range: `bytes=${before}-` } : {},
        accept: [416],
      });
      await append(answer, state, reception);
    } catch (error) {
      session.options.signal?.throwIfAborted();
      if (!(error instanceof Error) || error instanceof HubError || !isPassing(error)) throw error;
    }
    if (state.have > before) clock.progressed();
    if (state.have < file.size && !(await clock.wait()))
      throw new HubError(
        `${session.repo.name}: "${file.path}" broke off again and again at byte ${state.have} of ${file.size}; the same command goes on from there.`,
        undefined,
        'unreachable',
      );
  }
  return state.hash.digest('hex');
}

/** Writes what comes behind what is there; a server that starts at the beginning again is taken at its word. */
async function append(
  answer: IncomingMessage,
  state: { have: number; hash: Hash },
  { handle, file, onBytes }: Reception,
): Promise<void> {
  const start = startOf(answer, file, state.have);
  if (start === 0 && state.have > 0) {
    await handle.truncate(0);
    onBytes(-state.have);
    Object.assign(state, { have: 0, hash: newHash(file) });
  }
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (state.have + chunk.length > file.size) throw wrongLength(file, 'more');
    await writeAll(handle, chunk, state.have);
    state.hash.update(chunk);
    state.have += chunk.length;
    onBytes(chunk.length);
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

/** From which byte an answer goes; its length must be that of the file. */
function startOf(answer: IncomingMessage, file: RepoFile, asked: number): number {
  const { statusCode, headers } = answer;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const fail = (got: string) => {
    answer.destroy();
    throw wrongLength(file, got);
  };
  if (statusCode === 416) return fail(`fewer than ${asked}`);
  if (statusCode === 206) {
    const [, from, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(from) !== asked || (total !== '*' && Number(total) !== file.size))
      return fail(`the range ${headers['content-range'] ?? 'of nothing'}`);
    return asked;
  }
  if (!Number.isNaN(length) && length !== file.size) return fail(`${length}`);
  return 0;
}

const wrongLength = (file: RepoFile, got: string) =>
  new HubError(
    `"${file.path}" should have ${file.size} bytes, but the server sends ${got}; nothing of it was kept.`,
    undefined,
    'damaged',
  );

function newHash({ digest, size }: RepoFile): Hash {
  if (digest.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${size}\0`); // as git names a blob
}

async function hashBeginning(path: string, bytes: number, hash: Hash): Promise<void> {
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer);
}

/** Where the hub has a file; every part is encoded, so that no name can lead elsewhere. */
export function fileUrl(
  session: HubSession,
  commit: string,
  { path }: Pick<RepoFile, 'path'>,
): URL {
  const parts = path.split('/').map(encodeURIComponent).join('/');
  return session.url(`${repoPath(session.repo)}/resolve/${commit}/${parts}`);
}
