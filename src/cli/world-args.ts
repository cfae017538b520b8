import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ArgumentParser } from 'argparse';
import { RUNS_FOLDER } from '../training/run-folder';
import { decimal } from './args';

/** What `npm run world` was asked for. */
export interface WorldArgs {
  readonly scale: number;
  readonly output: string;
}

const description = `Makes the embedded world from nothing: autoencoder, base model, preference pairs, scorer. A second
call goes on where the first was stopped. Ends with a comparison with data/, which it never changes.`;

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function worldArgs(argv: readonly string[]): WorldArgs {
  const parser = new ArgumentParser({ prog: 'npm run world --', description });
  parser.add_argument('--scale', {
    type: decimal({ min: 1e-6, max: 1 }),
    default: 1,
    metavar: 'X',
    help: 'share of all pictures, training steps and pairs, to see the whole way sooner; default: 1',
  });
  parser.add_argument('--output', {
    default: join(RUNS_FOLDER, 'world'),
    metavar: 'DIR',
    help: 'where the stages leave their results, and the world as DIR/data; default: runs/world',
  });
  const args = parser.parse_args([...argv]) as WorldArgs;
  return { ...args, output: resolve(args.output) };
}

/** `data/` of this checkout. */
const COMMITTED = resolve(__dirname, '..', '..', 'data');

/**
 * Makes the folder of a making, or opens it to go on.
 * @throws RangeError where that would change `data/`, or mix two scales
 */
export function openWorkshop(folder: string, scale: number): void {
  const made = resolve(folder, 'data');
  if (!relative(COMMITTED, made).startsWith('..'))
    throw new RangeError(`The world is never made in ${COMMITTED}; give another --output.`);
  mkdirSync(folder, { recursive: true });
  const mark = join(folder, 'scale');
  if (readdirSync(folder).length === 0) writeFileSync(mark, `${scale}\n`);
  const begun = existsSync(mark) ? Number(readFileSync(mark, 'utf8')) : 1;
  if (begun !== scale)
    throw new RangeError(
      `${folder} was begun with --scale ${begun}, not ${scale}; give another --output or delete it.`,
    );
}
