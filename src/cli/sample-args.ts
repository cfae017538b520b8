import { randomInt } from 'node:crypto';
import { type ArgumentOptions, ArgumentParser } from 'argparse';
import { type SchedulerName, samplerNames, schedulerClasses } from '../diffusion/scheduler-classes';
import { addMixedPrecision, decimal, fileName, integer, type PrecisionName } from './args';
import { addHubFlags, type HubFlags } from './hub-flags';
import { addMemoryFlags, type MemoryFlags } from './memory-flags';
import { addModelParts, type ModelParts } from './model-flags';
import { seeds } from './seeds';

/** What `npm run sample` was asked for; every value is checked, and nothing was loaded yet. */
export interface SampleArgs extends ModelParts, HubFlags, MemoryFlags {
  readonly model: string;
  readonly prompt: string;
  readonly negative_prompt?: string;
  /** Several: one for each picture. */
  readonly seed: number | readonly number[];
  readonly steps: number;
  readonly guidance_scale?: number;
  readonly guidance_rescale: number;
  readonly clip_skip: number;
  readonly init_image?: string;
  readonly strength?: number;
  readonly height?: number;
  readonly width?: number;
  readonly scheduler?: SchedulerName;
  readonly eta: number;
  readonly num_images: number;
  /** All pictures in one file. */
  readonly grid: boolean;
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
    help: 'diffusers folder (model_index.json, unet/, …), one file of the original layout, or owner/name or owner/name/file.safetensors of the hub',
  });
  addHubFlags(add, '--model');
  addModelParts(add);
  add('--prompt', { required: true, metavar: 'TEXT' });
  add('--negative_prompt', { metavar: 'TEXT', help: 'what to stay away from' });
  add('--seed', {
    type: seeds,
    metavar: 'N',
    help: 'a number, or a picture for each of several: 0..15, or 3,5,8; default: a random one, which is reported',
  });
  add('--steps', { type: integer({ min: 1 }), default: 50, metavar: 'N', help: 'default: 50' });
  add('--guidance_scale', {
    type: decimal({ min: 0 }),
    metavar: 'X',
    help: '1 or less: no guidance, half the work; default: 7.5, for SDXL 5; turbo is made for 0',
  });
  addDrawing(add);
  const size = "default: that of --init_image, or the UNet's own size";
  add('--height', { type: side, metavar: 'PIXELS', help: size });
  add('--width', { type: side, metavar: 'PIXELS', help: size });
  add('--scheduler', {
    choices: [...samplerNames, ...schedulerClasses],
    metavar: 'NAME',
    help: `a class of diffusers or its short name: ${samplerNames.join(', ')}; default: the folder's own`,
  });
  add('--eta', {
    type: decimal({ min: 0, max: 1 }),
    default: 0,
    metavar: 'X',
    help: 'share of fresh noise, for ddim and tcd; default: 0',
  });
  add('--num_images', {
    type: integer({ min: 1, max: 10000 }),
    metavar: 'N',
    help: 'drawn in one batch; N > 1 writes NAME-0.png … NAME-(N−1).png; default: as many as there are seeds',
  });
  add('--grid', { action: 'store_true', help: 'one file with all pictures, in rows' });
  addMixedPrecision(parser);
  addMemoryFlags(add);
  add('--output', {
    type: fileName('.png'),
    default: 'out.png',
    metavar: 'NAME.png',
    help: 'default: out.png',
  });
  add('--overwrite', { action: 'store_true', help: 'replace pictures that exist' });
  return parser;
}

/** Options of the drawing that few need. */
function addDrawing(add: (flag: string, options: ArgumentOptions) => void): void {
  add('--guidance_rescale', {
    type: decimal({ min: 0, max: 1 }),
    default: 0,
    metavar: 'X',
    help: 'share that keeps the contrast of the prediction without guidance; default: 0',
  });
  add('--clip_skip', {
    type: integer({ min: 0 }),
    default: 0,
    metavar: 'N',
    help: 'last layers of the text encoder that are left out for the prompt; default: 0',
  });
  add('--init_image', { metavar: 'FILE', help: 'draws over this picture (PNG, JPEG, WebP)' });
  add('--strength', {
    type: decimal({ min: 0, max: 1 }),
    metavar: 'X',
    help: 'how much of --init_image becomes new, the share of the steps made; default: 0.8',
  });
}

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function sampleArgs(argv: readonly string[]): SampleArgs {
  const parser = sampleParser();
  const parsed = parser.parse_args([...argv]) as unknown as SampleArgs & { num_images?: number };
  const seed = parsed.seed ?? randomInt(2 ** 32);
  const count = typeof seed === 'number' ? undefined : seed.length;
  const { num_images = count ?? 1, strength, init_image } = parsed;
  if (count !== undefined && count !== num_images)
    parser.error(`argument --seed: ${count} seeds for ${num_images} pictures; give one for each`);
  if (strength !== undefined && init_image === undefined)
    parser.error('argument --strength: there is no --init_image to draw over');
  return { ...parsed, seed, num_images };
}
