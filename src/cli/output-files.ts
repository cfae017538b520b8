import { access, constants, stat } from 'node:fs/promises';
import { dirname, parse } from 'node:path';

/** What the user can put right; its message is all that is shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `out.png` for one picture; for more `out-0.png`, `out-1.png`, … with as many digits as the last one needs. */
export function outputNames(output: string, count: number): string[] {
  if (count === 1) return [output];
  const { ext } = parse(output);
  const stem = output.slice(0, output.length - ext.length);
  const digits = String(count - 1).length;
  return Array.from(
    { length: count },
    (_, i) => `${stem}-${String(i).padStart(digits, '0')}${ext}`,
  );
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Makes sure, before any work is done, that the files can be written.
 *
 * @param existing whether files of these names may be replaced
 * @throws UsageError naming the folder or the file that is in the way
 */
export async function checkOutputs(
  paths: readonly string[],
  existing: 'refuse' | 'replace',
): Promise<void> {
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    const isFolder = await stat(folder).then(
      (s) => s.isDirectory(),
      () => false,
    );
    if (!isFolder)
      throw new UsageError(
        `The folder ${folder} does not exist; make it, or choose another --output.`,
      );
    await access(folder, constants.W_OK).catch(() => {
      throw new UsageError(`The folder ${folder} cannot be written to; choose another --output.`);
    });
  }
  if (existing === 'replace') return;
  for (const path of paths)
    if (await exists(path))
      throw new UsageError(
        `${path} exists; it is not overwritten. Choose another --output, or add --overwrite.`,
      );
}
