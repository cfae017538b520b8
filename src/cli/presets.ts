/** Flags kept in files that a person can read, copy and paste: `presets/NAME.flags`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { splitWords } from './launch-line';
import { UsageError } from './output-files';

const FOLDER = join(__dirname, 'presets');
const ENDING = '.flags';

/** The names that `--preset` knows. */
export const PRESETS: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => basename(file, ENDING))
  .sort();

/**
 * The flags of a preset, by its name or by the path of a file of one's own.
 * @throws UsageError where there is none
 */
export function presetWords(preset: string): string[] {
  const path = PRESETS.includes(preset) ? join(FOLDER, `${preset}${ENDING}`) : preset;
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `--preset is '${preset}'; give ${PRESETS.join(', ')} or the name of a file.`,
    );
  const words = splitWords(readFileSync(path, 'utf8'));
  if (words.some((word) => word === '--preset' || word.startsWith('--preset=')))
    throw new UsageError(`--preset ${preset}: a file of flags names no other preset.`);
  return words;
}
