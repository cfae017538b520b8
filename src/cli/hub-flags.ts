import type { ArgumentOptions } from 'argparse';
import type { ResolveOptions } from '../hub';
import { TransferLine } from './transfer-line';

/** Which of the hub's files, and where they are kept. */
export interface HubFlags {
  readonly cache_dir?: string;
  readonly revision?: string;
  readonly variant?: string;
}

/** Adds the flags of {@link HubFlags}. @param of what revision and variant are of, such as `--model` */
export function addHubFlags(
  add: (flag: string, options: ArgumentOptions) => void,
  of: string,
): void {
  add('--revision', {
    metavar: 'NAME',
    help: `branch, tag or commit of ${of}, where that is a name of the hub; default: main`,
  });
  add('--variant', {
    metavar: 'NAME',
    help: `weight files of ${of} with this in their name, such as fp16; default: the plain ones`,
  });
  add('--cache_dir', {
    metavar: 'FOLDER',
    help: "where what comes from the hub is kept; default: HF_HUB_CACHE, or that of Python's libraries",
  });
}

/** How to reach the hub for what the flags speak of, and for what else is named beside it. */
export function hubOptions({ cache_dir: cacheDir, revision, variant }: HubFlags): {
  readonly main: ResolveOptions;
  readonly beside: ResolveOptions;
} {
  const beside = { cacheDir, ...new TransferLine().options() };
  return { main: { ...beside, revision, variant }, beside };
}
