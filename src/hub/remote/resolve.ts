/** One way to name a model or a data set: a folder, a file, or `owner/name` of the hub. */
import { stat } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { readJson } from '../json-file';
import { RepoCache, sizeOf } from './cache-layout';
import { type DownloadOptions, downloadFiles } from './download';
import { faultOfName, type RepoFileName, repoFileName } from './file-names';
import { HubError } from './hub-error';
import { currentCommit, listRepo, type RepoFile } from './listing';
import { checkRevision, isRepoName, type RepoName, type RepoType } from './repo-name';
import { type Choice, checkVariant, fits, modelFiles, pipelineFiles } from './select';
import { HubSession } from './session';
import type { HubOptions } from './settings';

/** Small files of a pipeline, as {@link ResolveOptions.files}: all but its weights. */
export const TOKENIZERS = ['tokenizer*/*'];
export const DESCRIPTION = ['model_index.json', 'scheduler/*', '*/config.json', ...TOKENIZERS];

/** What of a repository is wanted. */
export interface ResolveOptions extends HubOptions, DownloadOptions, Choice {
  /** A branch, a tag or a commit. @default 'main' */
  readonly revision?: string | undefined;
  /** A folder inside. */
  readonly subfolder?: string | undefined;
  /** Names of files, relative to the subfolder; `*` is anything within a folder, `**` anything. @default what a model needs */
  readonly files?: readonly string[] | undefined;
  /** @default 'model' */
  readonly repoType?: RepoType | undefined;
  /** Told of the commit that a name of the hub has led to. */
  readonly onSource?: ((source: HubSource) => void) | undefined;
}

/** Where on the hub something comes from. */
export interface HubSource {
  readonly repo: RepoName;
  readonly revision: string;
  readonly commit: string;
}

/** Where it is on this disk. */
export interface Resolved {
  /** The folder, `subfolder` in it; or the file that was named. */
  readonly path: string;
  /** Full paths of the files that were asked for, or that a model needs. */
  readonly files: readonly string[];
  /** Of the hub: where it comes from. */
  readonly source?: HubSource;
}

/**
 * Finds a model or a data set, and downloads from the hub what of it is needed and not yet in the cache. What is on the
 * disk under that name goes before the hub, as in diffusers.
 * @param name a path, `owner/name`, or one file of weights: `owner/name/path/file.safetensors`
 * @throws RangeError for a name that is nothing of these
 * @throws HubError in one sentence for everything that the hub or the network refuse
 */
export async function resolve(name: string, options: ResolveOptions = {}): Promise<Resolved> {
  const stats = await stat(name).catch(() => undefined);
  if (stats) return local(name, stats.isFile() ? 'file' : 'folder', options);
  const file = repoFileName(name);
  if (file) {
    const found = await resolve(file.repo, fileOptions(file, options));
    return { ...found, path: found.files[0] ?? found.path };
  }
  return fromHub(sessionFor(name, options), options);
}

/** Requests about the repository of a name; name and options are checked. @throws RangeError */
export function sessionFor(name: string, options: ResolveOptions): HubSession {
  if (!isRepoName(name)) throw unknownName(name);
  const { revision = 'main', repoType = 'model', subfolder = '' } = options;
  checkRevision(revision);
  const fault = subfolder === '' ? undefined : faultOfName(subfolder);
  if (fault !== undefined)
    throw new RangeError(`The subfolder ${JSON.stringify(subfolder)} is refused: ${fault}.`);
  return new HubSession({ type: repoType, name }, options);
}

/** One file, whatever is wanted of repositories; the revision of its address goes before that of the options. */
export const fileOptions = (
  { file, revision }: RepoFileName,
  options: ResolveOptions,
): ResolveOptions => ({
  ...options,
  revision: revision ?? options.revision,
  subfolder: undefined,
  files: [file],
});

/**
 * The folder of one model, or the file. A repository or folder of a pipeline, or with only this part of one, has it under the part's
 * name; else it is the model itself.
 * @param part such as `unet`
 */
export async function resolvePart(
  name: string,
  part: string,
  options: ResolveOptions = {},
): Promise<string> {
  if (await stat(name).catch(() => undefined)) {
    const inside = join(name, part);
    return (await sizeOf(join(inside, 'config.json'))) === undefined ? name : inside;
  }
  const { path } = await inPartOrRoot(part, options, (where) => resolve(name, where));
  return path;
}

/** Looks for a part in the folder of its name, and where a repository or the cache does not have that, at the root. */
export function inPartOrRoot<T>(
  part: string,
  options: ResolveOptions,
  look: (where: ResolveOptions) => Promise<T>,
): Promise<T> {
  return look({ ...options, subfolder: part }).catch((error: unknown) => {
    if (!(error instanceof HubError) || error.reason === 'refused' || error.reason === 'damaged')
      throw error;
    return look(options);
  });
}

/** The one sentence about a name that nothing has. */
export function unknownName(name: string): RangeError {
  return new RangeError(
    `${JSON.stringify(name)} is no folder or file here, and no name on the hub; give a path, or owner/name.`,
  );
}

async function local(
  name: string,
  kind: 'file' | 'folder',
  options: ResolveOptions,
): Promise<Resolved> {
  if (kind === 'file') return { path: resolvePath(name), files: [resolvePath(name)] };
  const path = resolvePath(name, options.subfolder ?? '');
  const plain = (options.files ?? []).filter((file) => !file.includes('*'));
  const files = plain.map((file) => join(path, file));
  for (const file of [path, ...files]) {
    await stat(file).catch(() => {
      throw new RangeError(
        `${JSON.stringify(name)} has no ${JSON.stringify(file.slice(resolvePath(name).length + 1))}.`,
      );
    });
  }
  return { path, files };
}

async function fromHub(session: HubSession, options: ResolveOptions): Promise<Resolved> {
  const { revision = 'main' } = options;
  const cache = new RepoCache(session.settings.cacheDir, session.repo);
  if (session.settings.network === 'offline')
    return fromCache(cache, revision, options, 'the network is off (HF_HUB_OFFLINE)');
  try {
    const { commit, wanted } = await wantedOnHub(session, cache, options);
    await downloadFiles(session, cache, commit, wanted, options);
    await cache.writeRef(revision, commit); // last: until then the branch leads to the older whole snapshot
    return found(cache, revision, commit, wanted, options);
  } catch (error) {
    if (!(error instanceof HubError) || error.reason !== 'unreachable') throw error;
    const kept = await fromCache(cache, revision, options, error.message).catch(() => undefined);
    if (!kept) throw error;
    options.onNote?.(
      `${error.message} Using the copy of ${session.repo.name} in the cache (${kept.source?.commit.slice(0, 8)}).`,
    );
    return kept;
  }
}

/** Which files are wanted of the commit that a revision is at now; of them only `model_index.json` is fetched. @throws HubError */
export async function wantedOnHub(
  session: HubSession,
  cache: RepoCache,
  options: ResolveOptions,
): Promise<{ readonly commit: string; readonly wanted: readonly RepoFile[] }> {
  const commit = await currentCommit(session, options.revision ?? 'main');
  const listed = await listRepo(session, commit);
  const named = (name: string) => listed.filter(({ path }) => path === name);
  const wanted = await choose(listed, options, {
    snapshot: cache.snapshot(commit),
    bring: (name) => downloadFiles(session, cache, commit, named(name), options),
    absent: (name) => cache.writeAbsence(commit, name),
  });
  return { commit, wanted };
}

/** What the cache has, made by this program or by Python's, without a request. */
async function fromCache(
  cache: RepoCache,
  revision: string,
  options: ResolveOptions,
  why: string,
): Promise<Resolved> {
  const { name } = cache.repo;
  const fail = (what: string) =>
    new HubError(
      `${name} ${what} in the cache (${cache.cacheDir}), and ${why.replace(/\.$/, '')}.`,
      undefined,
      'offline',
    );
  const commit = await cache.cachedCommit(revision);
  if (commit === undefined)
    throw fail(revision === 'main' ? 'is not' : `is not, at "${revision}",`);
  const names = await cache.cachedFiles(commit);
  if (names.length === 0) throw fail('is not');
  const files = names.map((path) => ({ path }));
  const wanted = await choose(files, options, {
    snapshot: cache.snapshot(commit),
    bring: async () => undefined,
    absent: async () => undefined,
  }).catch((error: unknown) => {
    if (error instanceof HubError && error.reason === 'missing')
      throw fail(`is there only in part (${error.message.replace(/\.$/, '')})`);
    throw error;
  });
  return found(cache, revision, commit, wanted, options);
}

interface Surroundings {
  readonly snapshot: string;
  /** Makes a small file be in the snapshot. */
  readonly bring: (name: string) => Promise<unknown>;
  /** Told of a file that the repository does not have. */
  readonly absent: (name: string) => Promise<unknown>;
}

/** The files that are wanted, of those there are. */
async function choose<F extends { readonly path: string }>(
  all: readonly F[],
  { files, subfolder = '', ...choice }: ResolveOptions,
  { snapshot, bring, absent }: Surroundings,
): Promise<F[]> {
  const byName = new Map(all.map((file) => [file.path, file]));
  const names = [...byName.keys()];
  const take = (chosen: readonly string[]) =>
    [...new Set(chosen)].flatMap((name) => byName.get(name) ?? []);
  const inside = (name: string) => (subfolder === '' ? name : `${subfolder}/${name}`);
  if (files) {
    const chosen: string[] = [];
    for (const pattern of files.map(inside)) {
      const fitting = names.filter((name) => fits(name, pattern));
      if (fitting.length === 0) {
        if (!pattern.includes('*')) await absent(pattern);
        throw new HubError(
          `The repository has no file ${JSON.stringify(pattern)}.`,
          undefined,
          'missing',
        );
      }
      chosen.push(...fitting);
    }
    return take(chosen);
  }
  if (subfolder === '' && byName.has('model_index.json')) {
    await bring('model_index.json');
    const index = await readJson(join(snapshot, 'model_index.json'));
    return take(pipelineFiles(index, names, choice));
  }
  const chosen = modelFiles(subfolder, names, choice);
  checkVariant(chosen, names, choice);
  if (chosen.length > 0) return take(chosen);
  const where = subfolder === '' ? 'no model at its root' : `no folder "${subfolder}" with a model`;
  throw new HubError(
    `The repository has ${where}; name files of it, or a subfolder.`,
    undefined,
    'missing',
  );
}

function found(
  cache: RepoCache,
  revision: string,
  commit: string,
  wanted: readonly { readonly path: string }[],
  { subfolder = '', onSource }: ResolveOptions,
): Resolved {
  const snapshot = cache.snapshot(commit);
  const files = wanted.map(({ path }) => join(snapshot, path));
  const source = { repo: cache.repo, revision, commit };
  onSource?.(source);
  return { path: join(snapshot, subfolder), files, source };
}
