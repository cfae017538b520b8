import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that a reader, or a crash, sees the old one or the whole new one: a sibling temporary file, synced,
 * then renamed. The folder must exist.
 */
export async function writeFileAtomically(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw named(error, path);
  }
  await syncFolder(dirname(path));
}

/** Node tells the file of a failed open, not that of a failed write. */
function named(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const { syscall, path: told } = error as NodeJS.ErrnoException;
  if (syscall === undefined || told !== undefined) return error;
  return Object.assign(error, { path, message: `${path}: ${error.message}` });
}

/** Writes a text file atomically. */
export async function writeTextAtomically(path: string, text: string): Promise<void> {
  await writeFileAtomically(path, async (handle) => {
    await handle.writeFile(text, 'utf8');
  });
}

/**
 * Fills a new folder under a temporary name and renames it when it is complete; parent folders are made.
 * @param options.existing what to do with a folder of that name: refuse it, or replace it once the new one is whole.
 *   @default 'refuse'
 * @throws Error where the folder exists and may not be replaced.
 */
export async function writeFolderAtomically(
  path: string,
  fill: (temporary: string) => Promise<unknown>,
  { existing = 'refuse' }: { readonly existing?: 'refuse' | 'replace' } = {},
): Promise<void> {
  if (existing === 'refuse') await refuseExisting(path);
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await mkdir(temporary);
    await fill(temporary);
    if (existing === 'replace') await replaceFolder(temporary, path);
    else await refuseExisting(path).then(() => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A hidden sibling of `path`, unlike any other. */
export function temporaryName(path: string): string {
  const unique = `${process.pid}.${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${unique}.incomplete`);
}

async function refuseExisting(path: string): Promise<void> {
  if (await exists(path)) throw new Error(`${path} exists already; it is not overwritten.`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Deleting comes last, and under another name: at no moment is there a half-deleted folder called `path`. */
async function replaceFolder(temporary: string, path: string): Promise<void> {
  if (!(await exists(path))) return rename(temporary, path);
  const old = temporaryName(path);
  await rename(path, old);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rename(old, path);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/** Makes a rename in `folder` last through a power cut, where the file system can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EISDIR' && code !== 'EPERM')
      throw error;
  } finally {
    await handle.close();
  }
}
