import { type ArgumentOptions, ArgumentParser } from 'argparse';
import { SELECTOR_NAMES } from '../scoring/selector-names';
import { integer } from './args';
import { addHubFlags, type HubFlags } from './hub-flags';

/** What `npm run score` was asked for. */
export interface ScoreArgs extends HubFlags {
  /** Prints which files each scorer needs, and ends. */
  readonly list: boolean;
  readonly selector: string;
  readonly weights?: string;
  readonly mlp?: string;
  readonly processor?: string;
  readonly torchvision: 'current' | 'before 0.17';
  readonly prompt: string;
  readonly batch_size: number;
  readonly json: boolean;
  /** Files, and folders of files. */
  readonly pictures: readonly string[];
}

const description = `Scores pictures against a prompt, as the original's selectors do. Every number comes with the scorer's
name, the revision of its weights, and their SHA-256.`;

const epilog = `Weights are downloaded where a name of the hub is given, or none; --list tells how large they are.`;

function scoreParser(): ArgumentParser {
  const parser = new ArgumentParser({ prog: 'npm run score --', description, epilog });
  const add = (flag: string, options: ArgumentOptions) => parser.add_argument(flag, options);
  add('pictures', {
    nargs: '*',
    metavar: 'PICTURE',
    help: 'files (PNG, JPEG, WebP), and folders of such',
  });
  add('--list', { action: 'store_true', help: 'print which files each scorer needs, and end' });
  add('--selector', {
    metavar: 'NAME',
    help: `${SELECTOR_NAMES.join(', ')}; or a path, or owner/name, of a CLIP model`,
  });
  add('--prompt', { metavar: 'TEXT', help: 'what the pictures are to show; aes sees none' });
  addWeights(add);
  add('--batch_size', {
    type: integer({ min: 1 }),
    default: 16,
    metavar: 'N',
    help: 'pictures in one pass; default: 16',
  });
  add('--json', { action: 'store_true', help: 'one JSON object a picture and line' });
  return parser;
}

function addWeights(add: (flag: string, options: ArgumentOptions) => void): void {
  add('--weights', {
    metavar: 'MODEL',
    help: "folder or owner/name of a CLIP in transformers' layout, or of one in OpenCLIP's with its open_clip_config.json, or a file of the latter; default: what the original names",
  });
  add('--mlp', { metavar: 'FILE.pth', help: 'head of aes; default: where the original has it' });
  add('--processor', {
    metavar: 'MODEL',
    help: 'folder, or owner/name, of tokenizer and image processor; default: that of the weights',
  });
  addHubFlags(add, '--weights');
  add('--torchvision', {
    choices: ['current', 'before 0.17'],
    default: 'current',
    help: 'whose resize hps and clip have: before 0.17 it was not antialiased; default: current',
  });
}

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function scoreArgs(argv: readonly string[]): ScoreArgs {
  const parser = scoreParser();
  const args = parser.parse_args([...argv]) as Omit<ScoreArgs, 'selector' | 'prompt'> & {
    readonly selector?: string;
    readonly prompt?: string;
  };
  const { selector, prompt, list, pictures, mlp } = args;
  if (list) return { ...args, selector: '', prompt: '' };
  if (selector === undefined)
    parser.error('argument --selector: give the name of a scorer, or --list');
  if (pictures.length === 0) parser.error('argument PICTURE: give files or folders of pictures');
  if (prompt === undefined && selector !== 'aes')
    parser.error(`argument --prompt: ${selector} scores a picture against a prompt`);
  if (mlp !== undefined && selector !== 'aes')
    parser.error('argument --mlp: only aes has such a head');
  return { ...args, selector: selector ?? '', prompt: prompt ?? '' };
}
