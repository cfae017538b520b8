/** Several files of one commit, from the hub into the cache. */
import { mkdir, statfs } from 'node:fs/promises';
import { type RepoCache, sizeOf } from './cache-layout';
import { downloadBlob } from './download-file';
import { checkFileNames } from './file-names';
import { HubError } from './hub-error';
import type { RepoFile } from './listing';
import { type OnProgress, TransferMeter } from './progress';
import type { HubSession } from './session';

export interface DownloadOptions {
  readonly onProgress?: OnProgress | undefined;
  /** Files at the same time. @default 4 */
  readonly parallel?: number | undefined;
}

/**
 * Brings files into the cache that are not there. When it returns, each stands in the commit's snapshot.
 * @throws HubError at the first file that cannot be had; what is whole stays, what is not goes on next time
 */
export async function downloadFiles(
  session: HubSession,
  cache: RepoCache,
  commit: string,
  files: readonly RepoFile[],
  { onProgress, parallel = 4 }: DownloadOptions = {},
): Promise<void> {
  checkFileNames(files.map(({ path }) => path));
  await checkSpace(cache, files);
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  const what = {
    direction: 'download',
    repo: session.repo.name,
    totalBytes,
    totalFiles: files.length,
  } as const;
  const meter = new TransferMeter(what, onProgress);
  const waiting = [...files].sort((a, b) => b.size - a.size); // the longest first, or it would be alone at the end
  let failed = false;
  const work = async () => {
    for (let file = waiting.shift(); file && !failed; file = waiting.shift()) {
      const isThere = (await sizeOf(cache.blob(file.digest.hex))) === file.size;
      const onBytes = (bytes: number) => meter.add(bytes, isThere ? 'kept' : 'moved');
      await downloadBlob(session, cache, commit, file, { onBytes });
      await cache.point(commit, file.path, file.digest.hex);
      meter.done();
    }
  };
  const workers = Array.from({ length: Math.min(parallel, files.length) }, () =>
    work().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const [first] = (await Promise.allSettled(workers)).filter(({ status }) => status === 'rejected');
  if (first?.status === 'rejected') throw first.reason;
}

async function checkSpace(cache: RepoCache, files: readonly RepoFile[]): Promise<void> {
  let needed = 0;
  for (const { digest, size } of files)
    if ((await sizeOf(cache.blob(digest.hex))) !== size) needed += size;
  await mkdir(cache.folder, { recursive: true });
  const { bavail, bsize } = await statfs(cache.folder);
  const free = Number(bavail) * Number(bsize);
  if (needed <= free) return;
  const inGB = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new HubError(
    `${cache.repo.name} needs ${inGB(needed)} more, and ${cache.cacheDir} has ${inGB(free)} free; make room, or set HF_HUB_CACHE.`,
    undefined,
    'missing',
  );
}
