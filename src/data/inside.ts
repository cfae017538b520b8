/** Files that another file names, which may be a stranger's: they stay in its folder. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { MAX_PICTURE_BYTES, MissingPictureError, PictureError } from './image';

/** Where `name` lies in `folder`; undefined where it is absolute, leads out of it, or is no path. */
export function pathInside(folder: string, name: string): string | undefined {
  const path = resolve(folder, name.replaceAll('\\', '/'));
  const isInside = !isAbsolute(name) && !name.includes('\0') && isBelow(resolve(folder), path);
  return isInside ? path : undefined;
}

/**
 * The bytes of a picture's file.
 *
 * @throws MissingPictureError where there is no such file, PictureError where it is too large.
 * @throws RangeError where it is a link out of `root`.
 */
export async function readPictureInside(root: string, path: string): Promise<Uint8Array> {
  const file = await stat(path).catch(missing);
  if (!file?.isFile()) throw new MissingPictureError(`There is no file "${path}".`);
  if (file.size > MAX_PICTURE_BYTES) {
    throw new PictureError(
      `"${path}" has ${file.size} bytes; at most ${MAX_PICTURE_BYTES} are read.`,
    );
  }
  if (!isBelow(await realpath(root), await realpath(path))) {
    throw new RangeError(`"${path}" is a link out of the folder "${root}".`);
  }
  return await readFile(path);
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
