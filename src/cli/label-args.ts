import { type ArgumentOptions, ArgumentParser } from 'argparse';
import { fileName, integer } from './args';

/** What `npm run label` was asked for. */
export interface LabelArgs {
  readonly pairs: string;
  readonly labeller: string;
  readonly out?: string;
  readonly seed: number;
  readonly port: number;
  readonly base_url?: string;
}

const description = `Shows pairs of pictures in a browser on this machine and keeps which one is better, answer by answer. Run again, it
goes on where it was. Nothing is sent to any other machine.`;

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function labelArgs(argv: readonly string[]): LabelArgs {
  const parser = new ArgumentParser({ prog: 'npm run label --', description });
  const add = (flag: string, options: ArgumentOptions) => parser.add_argument(flag, options);
  add('--pairs', {
    required: true,
    metavar: 'FILE_OR_DIR',
    help: 'folder of candidates, folder with w/ and l/, list (.jsonl, .csv), or parquet with jpg_0, jpg_1 and caption',
  });
  add('--labeller', {
    required: true,
    metavar: 'NAME',
    help: 'whose answers these are; several people may answer into one file',
  });
  add('--out', {
    type: fileName('.jsonl'),
    metavar: 'FILE.jsonl',
    help: 'default: labels.jsonl in the folder of the pairs',
  });
  add('--seed', {
    type: integer({ min: 0 }),
    default: 0,
    metavar: 'N',
    help: 'of which picture of a pair stands left; default: 0',
  });
  add('--port', {
    type: integer({ min: 0, max: 65535 }),
    default: 0,
    metavar: 'N',
    help: 'default: one that is free',
  });
  add('--base_url', {
    metavar: 'URL',
    help: 'where a proxy shows this port, as https://HUB/user/NAME/proxy/{port}; default: none does',
  });
  return parser.parse_args([...argv]) as unknown as LabelArgs;
}
