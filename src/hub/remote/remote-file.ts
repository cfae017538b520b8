/**
 * A large file of the hub that is read in parts. What was read is kept in a file of the full size beside the cache's blobs
 * (`ranges/<digest>`), with a bit for each block that is there (`ranges/<digest>.blocks`); once all are, the whole is
 * checked by its digest and becomes a blob. Until then a part is as good as the connection it came over.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../atomic';
import { type RepoCache, sizeOf } from './cache-layout';
import { fileUrl } from './download-file';
import { checkFileNames } from './file-names';
import { HubError } from './hub-error';
import type { RepoFile } from './listing';
import { isPassing, RetryClock } from './retry';
import type { HubSession } from './session';

/** Bytes that come together at least. */
const BLOCK = 1 << 16;

export class RemoteFile {
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly session: HubSession,
    private readonly cache: RepoCache,
    private readonly commit: string,
    private readonly file: RepoFile,
    /** Where it is on this disk; of what was never asked for, zeros stand there. */
    readonly path: string,
    private readonly blocks: Uint8Array,
  ) {}

  get size(): number {
    return this.file.size;
  }

  static async open(
    session: HubSession,
    cache: RepoCache,
    commit: string,
    file: RepoFile,
  ): Promise<RemoteFile> {
    checkFileNames([file.path]);
    const path = join(cache.folder, 'ranges', file.digest.hex);
    await mkdir(dirname(path), { recursive: true });
    const bits = new Uint8Array(Math.ceil(Math.ceil(file.size / BLOCK) / 8));
    const known = await readFile(`${path}.blocks`).catch(() => undefined); // nothing was read yet
    if ((await sizeOf(path)) === file.size && known?.length === bits.length) bits.set(known);
    const handle = await open(path, 'a');
    await handle.truncate(file.size).finally(() => handle.close());
    return new RemoteFile(session, cache, commit, file, path, bits);
  }

  /** Makes bytes `from`…`to` − 1 be on this disk. @throws HubError where they cannot be had */
  ensure(from: number, to: number): Promise<void> {
    const turn = this.turn.then(() => this.bring(Math.max(0, from), Math.min(to, this.size)));
    this.turn = turn.catch(() => undefined); // the caller of this turn gets the error
    return turn;
  }

  private async bring(from: number, to: number): Promise<void> {
    const missing = this.missing(from, to);
    if (missing.length === 0) return;
    const handle = await open(this.path, 'r+');
    try {
      for (const { first, last } of missing) {
        const end = Math.min((last + 1) * BLOCK, this.size);
        await this.fetch(handle, first * BLOCK, end);
        await handle.datasync(); // before the bits say that it is there
        for (let block = first; block <= last; block++) this.mark(block);
      }
    } finally {
      await handle.close();
      await writeFileAtomically(`${this.path}.blocks`, (target) => target.writeFile(this.blocks));
    }
    if (this.missing(0, this.size).length === 0) await this.publish();
  }

  /** Runs of blocks that are not there. */
  private missing(from: number, to: number): { first: number; last: number }[] {
    const runs: { first: number; last: number }[] = [];
    if (to <= from) return runs;
    for (let block = Math.floor(from / BLOCK); block <= Math.floor((to - 1) / BLOCK); block++) {
      if (this.has(block)) continue;
      const run = runs.at(-1);
      if (run?.last === block - 1) run.last = block;
      else runs.push({ first: block, last: block });
    }
    return runs;
  }

  private has(block: number): boolean {
    return (((this.blocks[block >> 3] ?? 0) >> (block & 7)) & 1) === 1;
  }

  private mark(block: number): void {
    this.blocks[block >> 3] = (this.blocks[block >> 3] ?? 0) | (1 << (block & 7));
  }

  private async fetch(handle: FileHandle, from: number, to: number): Promise<void> {
    const { session, file } = this;
    const clock = new RetryClock(session.settings.patience, session.options.signal);
    let at = from;
    while (at < to) {
      const before = at;
      try {
        const Range = `bytes=${at}-${to - 1}`;
        const answer = await session.ask(fileUrl(session, this.commit, file), {
          headers: { Range },
        });
        this.checkRange(answer, at);
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          const part = chunk.subarray(0, to - at);
          await handle.write(part, 0, part.length, at);
          at += part.length;
          if (at === to) break;
        }
      } catch (error) {
        session.options.signal?.throwIfAborted();
        if (!(error instanceof Error) || error instanceof HubError || !isPassing(error))
          throw error;
      }
      if (at > before) clock.progressed();
      if (at < to && !(await clock.wait()))
        throw this.failed(`broke off again and again at byte ${at}`, 'unreachable');
    }
  }

  private checkRange(answer: IncomingMessage, from: number): void {
    const { statusCode, headers } = answer;
    if (statusCode === 206 && headers['content-range']?.startsWith(`bytes ${from}-`)) {
      const total = headers['content-range'].split('/').at(-1);
      if (total === '*' || Number(total) === this.size) return;
    }
    answer.destroy();
    throw this.failed(
      `cannot be read in parts (${headers['content-range'] ?? `status ${statusCode}`})`,
      'damaged',
    );
  }

  private async publish(): Promise<void> {
    const { algorithm, hex } = this.file.digest;
    const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
    if (algorithm === 'git-sha1') hash.update(`blob ${this.size}\0`);
    for await (const chunk of createReadStream(this.path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
    if (hash.digest('hex') !== hex) {
      this.blocks.fill(0);
      await rm(`${this.path}.blocks`, { force: true });
      throw this.failed('came damaged; nothing of it was kept', 'damaged');
    }
    const blob = this.cache.blob(hex);
    await mkdir(dirname(blob), { recursive: true });
    await link(this.path, blob).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await this.cache.point(this.commit, this.file.path, hex);
  }

  private failed(what: string, reason: HubError['reason']): HubError {
    return new HubError(
      `${this.session.repo.name}: "${this.file.path}" ${what}.`,
      undefined,
      reason,
    );
  }
}
