/**
 * The cache of Python's huggingface_hub, file by file (file_download.py of 2.4.0):
 *
 *     models--owner--name/blobs/<digest>                 contents, once each
 *     models--owner--name/snapshots/<commit>/<file>      relative links to blobs
 *     models--owner--name/refs/<branch>                  the commit a branch was at
 *     models--owner--name/.no_exist/<commit>/<file>      files that a commit is known not to have
 *
 * Everything appears under its name by a rename. Locks (`.locks/`) save bandwidth in Python and guard nothing.
 */
import { randomBytes } from 'node:crypto';
import {
  constants,
  copyFile,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { HubError } from './hub-error';
import { isCommit, type RepoName } from './repo-name';

/** Paths of one repository in a cache. */
export class RepoCache {
  readonly folder: string;

  constructor(
    readonly cacheDir: string,
    readonly repo: RepoName,
  ) {
    this.folder = join(cacheDir, [`${repo.type}s`, ...repo.name.split('/')].join('--'));
  }

  blob(digest: string): string {
    return join(this.folder, 'blobs', digest);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The commit that a revision was at when it was last asked for. */
  async cachedCommit(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await textIfThere(join(this.folder, 'refs', revision));
    const commit = text?.trim();
    return commit !== undefined && isCommit(commit) ? commit : undefined;
  }

  async makeFolder(name: string): Promise<void> {
    await mkdir(join(this.folder, name), { recursive: true });
  }

  /** Notes where a branch is. */
  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.cachedCommit(revision)) === commit) return;
    const path = join(this.folder, 'refs', revision);
    await mkdir(dirname(path), { recursive: true });
    await replaced(path, (temporary) => writeFile(temporary, commit, { flag: 'wx' }));
  }

  /** Notes that a commit has no such file, which Python's libraries ask for again and again. */
  async writeAbsence(commit: string, file: string): Promise<void> {
    const path = join(this.folder, '.no_exist', commit, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }

  async isKnownAbsent(commit: string, file: string): Promise<boolean> {
    return (await sizeOf(join(this.folder, '.no_exist', commit, file))) !== undefined;
  }

  /** Files of a snapshot whose blobs are there, sorted; paths with `/`. */
  async cachedFiles(commit: string): Promise<string[]> {
    const root = this.snapshot(commit);
    const names = await readdir(root, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const files: string[] = [];
    for (const name of names.sort())
      if (await isWholeFile(join(root, name))) files.push(name.split(sep).join('/'));
    return files;
  }

  /**
   * Makes `snapshots/<commit>/<file>` lead to a blob. The folder on the way must be the snapshot's own.
   * @throws HubError where somebody has put a link there that leads out of it
   */
  async point(commit: string, file: string, digest: string): Promise<void> {
    const snapshot = this.snapshot(commit);
    const path = join(snapshot, file);
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    const expected = join(await realpath(snapshot), relative(snapshot, folder));
    if ((await realpath(folder)) !== expected)
      throw new HubError(`${folder} leads out of the cache; remove it.`, undefined, 'damaged');
    const blob = this.blob(digest);
    if ((await realpathIfThere(path)) === (await realpath(blob))) return;
    await replaced(path, async (temporary) => {
      try {
        await symlink(relative(folder, blob), temporary);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
        await copyFile(blob, temporary, constants.COPYFILE_FICLONE); // a system without links
      }
    });
  }
}

/** Size of a file, through links; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

const isWholeFile = async (path: string) => (await sizeOf(path)) !== undefined;

const realpathIfThere = (path: string) =>
  realpath(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });

const textIfThere = (path: string) =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (isAbsent(error) || error.code === 'EISDIR') return undefined;
    throw error;
  });

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Makes something under a name of its own beside `path`, then gives it that name. */
async function replaced(
  path: string,
  make: (temporary: string) => Promise<unknown>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
