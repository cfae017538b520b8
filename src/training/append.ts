import { writeSync } from 'node:fs';

/** Appends all bytes to an open file. @throws Error that names the file, as on a full disk */
export function appendAll(
  file: { readonly descriptor: number; readonly path: string },
  bytes: Uint8Array,
): void {
  try {
    let done = 0;
    while (done < bytes.length) done += writeSync(file.descriptor, bytes, done);
  } catch (error) {
    throw new Error(`${file.path} could not be written (${(error as Error).message}).`, {
      cause: error,
    });
  }
}
