import { type ArgumentOptions, ArgumentParser } from 'argparse';
import type { WeightDType } from '../hub';
import { integer } from './args';
import { addHubFlags, type HubFlags } from './hub-flags';
import { type LoraArg, loraArg } from './lora-arg';

/** What `npm run convert` was asked for. */
export interface ConvertArgs extends HubFlags {
  readonly from: string;
  readonly to: string;
  readonly dtype?: WeightDType;
  readonly save_variant?: string;
  readonly config?: string;
  readonly lora: readonly LoraArg[];
  readonly extract_lora?: number;
  readonly base?: string;
}

const description = `Rewrites a model: a diffusers folder or one file of the original layout (Stable Diffusion 1.x, 2.x, XL, its
refiner) as the other, in another element type, with adapters added to its weights, or as an adapter to a base. Nothing is overwritten.`;

function convertParser(): ArgumentParser {
  const parser = new ArgumentParser({ prog: 'npm run convert --', description });
  const add = (flag: string, options: ArgumentOptions) => parser.add_argument(flag, options);
  add('from', {
    metavar: 'IN',
    help: 'folder, file (.safetensors, .ckpt), or owner/name of the hub',
  });
  add('to', {
    metavar: 'OUT',
    help: 'a name that ends in .safetensors: one file; any other: a diffusers folder, or that of the adapter',
  });
  add('--dtype', { choices: ['F32', 'F16', 'BF16'], help: 'default: that of IN' });
  addHubFlags(add, 'IN');
  add('--save_variant', { metavar: 'NAME', help: 'put into the names of the weight files of OUT' });
  add('--config', {
    metavar: 'MODEL',
    help: "where IN is a file: a folder, or owner/name, with its configs and tokenizers; default: the published model's",
  });
  add('--lora', {
    type: loraArg,
    action: 'append',
    default: [],
    metavar: 'PATH[:SCALE]',
    help: 'adapter to add to the weights; may be given again',
  });
  add('--extract_lora', {
    type: integer({ min: 1 }),
    metavar: 'RANK',
    help: 'write what the denoiser has beyond that of --base, as an adapter of this rank',
  });
  add('--base', { metavar: 'MODEL', help: 'for --extract_lora: what IN was tuned from' });
  return parser;
}

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function convertArgs(argv: readonly string[]): ConvertArgs {
  const parser = convertParser();
  const args = parser.parse_args([...argv]) as ConvertArgs;
  if ((args.extract_lora === undefined) !== (args.base === undefined))
    parser.error('--extract_lora and --base belong together');
  if (args.save_variant !== undefined && args.to.endsWith('.safetensors'))
    parser.error('argument --save_variant: a single file has no variant');
  return args;
}
