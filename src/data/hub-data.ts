/** Data sets of the hub, by name: parquet files that are read in parts, or downloaded. */
import { join, posix } from 'node:path';
import { readJsonIfThere, writeJson } from '../hub/json-file';
import { RepoCache, sizeOf } from '../hub/remote/cache-layout';
import { downloadFiles } from '../hub/remote/download';
import { HubError } from '../hub/remote/hub-error';
import { currentCommit, listRepo, type RepoFile } from '../hub/remote/listing';
import { type DownloadPlan, downloadPlan } from '../hub/remote/plan-download';
import { RemoteFile } from '../hub/remote/remote-file';
import { checkRevision } from '../hub/remote/repo-name';
import type { ResolveOptions } from '../hub/remote/resolve';
import { HubSession } from '../hub/remote/session';
import { readThrough } from './byte-source';
import { isOfSplit } from './tables';

export interface HubDataOptions
  extends Omit<ResolveOptions, 'repoType' | 'variant' | 'without' | 'files' | 'subfolder'> {
  /**
   * `parts`: of each file those row groups and columns are fetched that are read, and kept; `whole`: all files of the split
   * are downloaded first, and checked by their digests. @default 'parts'
   */
  readonly fetch?: 'parts' | 'whole' | undefined;
}

/** A split, and the folder of the data set that it is looked for in; '' for all of it. */
export interface SplitPlace {
  readonly split: string;
  readonly inside: string;
}

/**
 * The parquet files of a split, on this disk or read through to the hub; or, where there are none, the folder of a data set
 * of pictures, downloaded.
 * @throws HubError in one sentence
 */
export async function hubSplit(
  name: string,
  place: SplitPlace,
  options: HubDataOptions = {},
): Promise<{ readonly files: readonly string[] } | { readonly folder: string }> {
  const { session, cache, commit, chosen, whole } = await lookUp(name, place, options);
  if (!chosen || options.fetch === 'whole')
    await downloadFiles(session, cache, commit, whole, options);
  const folder = join(cache.snapshot(commit), place.inside);
  if (!chosen) return { folder };
  return { files: await Promise.all(chosen.map((file) => readable(session, cache, commit, file))) };
}

/** What reading a split would fetch at the most. @throws HubError */
export async function planHubSplit(
  name: string,
  place: SplitPlace,
  options: HubDataOptions = {},
): Promise<DownloadPlan> {
  const { session, cache, commit, whole } = await lookUp(name, place, options);
  const { revision = 'main' } = options;
  return downloadPlan(cache, { repo: session.repo, revision, commit }, whole);
}

/** Which files a split has. */
async function lookUp(name: string, { split, inside }: SplitPlace, options: HubDataOptions) {
  const { revision = 'main' } = options;
  const session = new HubSession({ type: 'dataset', name }, options);
  const cache = new RepoCache(session.settings.cacheDir, session.repo);
  const { commit, files } = await listing(session, cache, checkRevision(revision));
  options.onSource?.({ repo: session.repo, revision, commit });
  const chosen = ofSplit(files, split, inside);
  const whole =
    chosen ?? files.filter(({ path }) => path.startsWith(inside === '' ? '' : `${inside}/`));
  if (whole.length > 0) return { session, cache, commit, chosen, whole };
  throw new HubError(
    `The data set ${name} has no files${inside === '' ? '' : ` in "${inside}"`}.`,
    undefined,
    'missing',
  );
}

/** The list of a commit's files, kept for a run without the network. */
async function listing(session: HubSession, cache: RepoCache, revision: string): Promise<Listing> {
  const { name } = session.repo;
  if (session.settings.network === 'offline') {
    const kept = await keptListing(cache, revision);
    if (kept) return kept;
    throw new HubError(
      `The data set ${name} is not in the cache (${cache.cacheDir}), and the network is off (HF_HUB_OFFLINE).`,
      undefined,
      'offline',
    );
  }
  try {
    const commit = await currentCommit(session, revision);
    const files = await listRepo(session, commit);
    await cache.makeFolder('ranges');
    await writeJson(listingPath(cache, commit), { files });
    await cache.writeRef(revision, commit);
    return { commit, files };
  } catch (error) {
    if (!(error instanceof HubError) || error.reason !== 'unreachable') throw error;
    const kept = await keptListing(cache, revision);
    if (!kept) throw error;
    const copy = `Using what the cache has of ${name} (${kept.commit.slice(0, 8)}).`;
    session.options.onNote?.(`${error.message} ${copy}`);
    return kept;
  }
}

interface Listing {
  readonly commit: string;
  readonly files: readonly RepoFile[];
}

const listingPath = ({ folder }: RepoCache, commit: string) =>
  join(folder, 'ranges', `${commit}.json`);

async function keptListing(cache: RepoCache, revision: string): Promise<Listing | undefined> {
  const commit = await cache.cachedCommit(revision);
  if (commit === undefined) return undefined;
  const list = await readJsonIfThere(listingPath(cache, commit));
  return list && { commit, files: list.files as readonly RepoFile[] };
}

/** As `splitFiles` chooses on a disk: `data/<split>-*.parquet`, else those beside. */
function ofSplit(
  files: readonly RepoFile[],
  split: string,
  inside: string,
): readonly RepoFile[] | undefined {
  for (const folder of [posix.join(inside, 'data'), inside === '' ? '.' : inside]) {
    const found = files.filter(
      ({ path }) => posix.dirname(path) === folder && isOfSplit(posix.basename(path), split),
    );
    if (found.length > 0) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  return undefined;
}

async function readable(
  session: HubSession,
  cache: RepoCache,
  commit: string,
  file: RepoFile,
): Promise<string> {
  const blob = cache.blob(file.digest.hex);
  if ((await sizeOf(blob)) === file.size) return blob;
  const remote = await RemoteFile.open(session, cache, commit, file);
  readThrough(remote.path, remote);
  return remote.path;
}
