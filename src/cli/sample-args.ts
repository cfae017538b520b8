import { randomInt } from 'node:crypto';
import { type ArgumentOptions, ArgumentParser } from 'argparse';
import { type SchedulerName, samplerNames, schedulerClasses } from '../diffusion/scheduler-classes';
import { addMixedPrecision, decimal, fileName, integer, type PrecisionName } from './args';

/** What `npm run sample` was asked for; every value is checked, and nothing was loaded yet. */
export interface SampleArgs {
  readonly model: string;
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance_scale?: number;
  readonly height?: number;
  readonly width?: number;
  readonly scheduler?: SchedulerName;
  readonly eta: number;
  readonly num_images: number;
  readonly mixed_precision: PrecisionName;
  readonly output: string;
  readonly overwrite: boolean;
}

const description = `Draws pictures from text with a Stable Diffusion 1.x, 2.x or XL folder. The same folder, prompt, seed and
settings give the picture that diffusers draws on a CPU. Prompt, seed and settings are stored in the PNG file.`;

function sampleParser(): ArgumentParser {
  const parser = new ArgumentParser({ prog: 'npm run sample --', description });
  const add = (flag: string, options: ArgumentOptions) => parser.add_argument(flag, options);
  const side = integer({ min: 8, multipleOf: 8 });

  add('--model', {
    required: true,
    metavar: 'MODEL',
    help: 'diffusers folder (model_index.json, unet/, …), or owner/name of the hub',
  });
  add('--prompt', { required: true, metavar: 'TEXT' });
  add('--negative_prompt', { metavar: 'TEXT', help: 'what to stay away from' });
  add('--seed', {
    type: integer({ min: 0 }),
    metavar: 'N',
    help: 'default: a random one, which is reported',
  });
  add('--steps', { type: integer({ min: 1 }), default: 50, metavar: 'N', help: 'default: 50' });
  add('--guidance_scale', {
    type: decimal({ min: 0 }),
    metavar: 'X',
    help: '1 or less: no guidance, half the work; default: 7.5, for SDXL 5; turbo is made for 0',
  });
  add('--height', { type: side, metavar: 'PIXELS', help: "default: the UNet's own size" });
  add('--width', { type: side, metavar: 'PIXELS', help: "default: the UNet's own size" });
  add('--scheduler', {
    choices: [...samplerNames, ...schedulerClasses],
    metavar: 'NAME',
    help: `a class of diffusers or its short name: ${samplerNames.join(', ')}; default: the folder's own`,
  });
  add('--eta', {
    type: decimal({ min: 0, max: 1 }),
    default: 0,
    metavar: 'X',
    help: 'for ddim; default: 0',
  });
  add('--num_images', {
    type: integer({ min: 1, max: 10000 }),
    default: 1,
    metavar: 'N',
    help: 'drawn in one batch from one seed; N > 1 writes NAME-0.png … NAME-(N−1).png',
  });
  addMixedPrecision(parser);
  add('--output', {
    type: fileName('.png'),
    default: 'out.png',
    metavar: 'NAME.png',
    help: 'default: out.png',
  });
  add('--overwrite', { action: 'store_true', help: 'replace pictures that exist' });
  return parser;
}

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function sampleArgs(argv: readonly string[]): SampleArgs {
  const parsed = sampleParser().parse_args([...argv]) as unknown as SampleArgs;
  return { ...parsed, seed: parsed.seed ?? randomInt(2 ** 32) };
}
