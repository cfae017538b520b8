/** What a name of the hub would bring, before it is brought. */
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { RepoCache, sizeOf } from './cache-layout';
import { repoFileName } from './file-names';
import { HubError } from './hub-error';
import type { RepoFile } from './listing';
import {
  fileOptions,
  type HubSource,
  type ResolveOptions,
  resolve,
  sessionFor,
  wantedOnHub,
} from './resolve';

/** Files that are needed, in the cache or not. */
export interface DownloadPlan {
  readonly source: HubSource;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Of those that are not in the cache. */
  readonly missingBytes: number;
}

/**
 * What {@link resolve} would download: as the hub lists it, or, where that cannot be asked, what the cache has. Of the files
 * at most `model_index.json` is fetched.
 * @param name `owner/name`, or a file of it; nothing is planned for what is on this disk
 * @throws HubError in one sentence for everything that the hub or the network refuse
 */
export async function planDownload(
  name: string,
  options: ResolveOptions = {},
): Promise<DownloadPlan | undefined> {
  if (await stat(name).catch(() => undefined)) return undefined;
  const file = repoFileName(name);
  if (file) return planDownload(file.repo, fileOptions(file, options));
  const session = sessionFor(name, options);
  const cache = new RepoCache(session.settings.cacheDir, session.repo);
  const { revision = 'main' } = options;
  try {
    const { commit, wanted } = await wantedOnHub(session, cache, options);
    return await downloadPlan(cache, { repo: session.repo, revision, commit }, wanted);
  } catch (error) {
    if (!(error instanceof HubError) || !['unreachable', 'offline'].includes(error.reason))
      throw error;
    const { reason } = error;
    const kept = await resolve(name, { ...options, network: 'offline' }).catch(
      (absent: unknown) => {
        throw reason === 'unreachable' ? error : absent; // the first says why nothing is known
      },
    );
    const source = kept.source ?? { repo: session.repo, revision, commit: revision };
    const root = cache.snapshot(source.commit);
    const files = kept.files.map(async (path) => ({
      path: relative(root, path),
      size: (await sizeOf(path)) ?? 0,
    }));
    return { source, files: await Promise.all(files), missingBytes: 0 };
  }
}

/** {@link DownloadPlan} of files that the hub has listed. */
export async function downloadPlan(
  cache: RepoCache,
  source: HubSource,
  files: readonly RepoFile[],
): Promise<DownloadPlan> {
  let missingBytes = 0;
  for (const { digest, size } of files)
    if ((await sizeOf(cache.blob(digest.hex))) !== size) missingBytes += size;
  return { source, files: files.map(({ path, size }) => ({ path, size })), missingBytes };
}
