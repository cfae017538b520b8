import { type ArgumentOptions, ArgumentParser, ArgumentTypeError } from 'argparse';
import { type SchedulerName, samplerNames, schedulerClasses } from '../diffusion/scheduler-classes';
import { addMixedPrecision, decimal, integer, type PrecisionName } from './args';
import { seeds } from './seeds';

/** A table or figure of the paper. */
export const REPRODUCTIONS = ['table2', 's2', 's4', 'fig6'] as const;
export type Reproduction = (typeof REPRODUCTIONS)[number];

/** What `npm run evaluate` was asked for. */
export interface EvaluateArgs {
  readonly models: readonly (readonly [name: string, place: string])[];
  readonly prompts: string;
  readonly max_prompts?: number;
  readonly scorers: readonly string[];
  readonly seeds: readonly number[];
  readonly noise: 'own' | 'shared';
  readonly steps: number;
  readonly guidance_scale?: number;
  readonly scheduler?: SchedulerName;
  readonly height?: number;
  readonly width?: number;
  readonly eta?: number;
  readonly mixed_precision: PrecisionName;
  readonly batch?: number;
  readonly tie_epsilon: number;
  readonly resamples: number;
  readonly training_data?: string;
  readonly cache_dir?: string;
  readonly variant?: string;
  readonly out: string;
  readonly compare?: readonly [string, string];
  readonly reproduce?: Reproduction;
  readonly budget: 'small' | 'full';
}

const description = `Is one model better than another? Draws the same prompts from the same seeds with each, scores the pictures, and
reports win rates with their intervals. The same command goes on where it was cut off.`;

const epilog = `Win rate: share of pairs in which the score is higher, ties half. Intervals are 95 %, by a bias-corrected and accelerated
bootstrap that draws prompts, with all their seeds. OUT has result.json, result.csv, result.md, scores.csv, index.html and
the pictures.`;

type Add = (flag: string, options: ArgumentOptions) => void;

function evaluateParser(): ArgumentParser {
  const parser = new ArgumentParser({ prog: 'npm run evaluate --', description, epilog });
  const add: Add = (flag, options) => parser.add_argument(flag, options);
  add('--models', {
    type: namedPlace,
    nargs: '+',
    metavar: 'NAME=MODEL',
    help: 'two or more; MODEL is a folder, a file or owner/name of the hub, or MODEL+UNET to take the denoiser from elsewhere; the others are compared with the first',
  });
  add('--prompts', {
    default: 'world',
    metavar: 'LIST',
    help: 'partiprompts, hpdv2, pickapic-val, world; a file (.txt, .csv, .tsv, .json, .jsonl, .parquet), or owner/name of a data set; default: world',
  });
  add('--max_prompts', {
    type: integer({ min: 1 }),
    metavar: 'N',
    help: 'the first N; default: all',
  });
  add('--scorers', {
    nargs: '+',
    default: ['judge', 'faithful', 'embedded'],
    metavar: 'NAME',
    help: "judge, faithful (the embedded world's rule), embedded, pickscore, hps, clip, aes, or NAME=PATH of weights; default: judge faithful embedded",
  });
  addDrawing(add);
  addMixedPrecision(parser);
  addRest(add);
  return parser;
}

function addDrawing(add: Add): void {
  const side = integer({ min: 8, multipleOf: 8 });
  add('--seeds', {
    type: seeds,
    default: '0',
    metavar: 'N',
    help: 'every prompt is drawn from each: 0..3, or 3,5,8; default: 0',
  });
  add('--noise', {
    choices: ['own', 'shared'],
    default: 'own',
    help: 'own: each prompt begins with noise of its own, prompt i with seed + 100000 i; shared: with the same as all others; default: own',
  });
  add('--steps', { type: integer({ min: 1 }), default: 50, metavar: 'N', help: 'default: 50' });
  add('--guidance_scale', {
    type: decimal({ min: 0 }),
    metavar: 'X',
    help: 'default: 7.5, for SDXL 5',
  });
  add('--scheduler', {
    choices: [...samplerNames, ...schedulerClasses],
    metavar: 'NAME',
    help: "a class of diffusers or its short name; default: each model's own",
  });
  add('--height', { type: side, metavar: 'PIXELS' });
  add('--width', { type: side, metavar: 'PIXELS' });
  add('--eta', { type: decimal({ min: 0, max: 1 }), metavar: 'X', help: 'default: 0' });
  add('--batch', {
    type: integer({ min: 1 }),
    metavar: 'N',
    help: 'pictures drawn together; default: what a quarter of the free memory has room for',
  });
}

function addRest(add: Add): void {
  add('--tie_epsilon', {
    type: decimal({ min: 0 }),
    default: 0,
    metavar: 'X',
    help: 'scores no further apart are a tie, which counts half; default: 0',
  });
  add('--resamples', {
    type: integer({ min: 100 }),
    default: 10_000,
    metavar: 'N',
    help: 'of the bootstrap; default: 10000',
  });
  add('--training_data', {
    metavar: 'PAIRS',
    help: 'folder of preference pairs; counts pictures that stand in it already',
  });
  add('--cache_dir', { metavar: 'FOLDER', help: 'where what comes from the hub is kept' });
  add('--variant', { metavar: 'NAME', help: 'weight files with this in their name, such as fp16' });
  add('--out', { default: 'runs/evaluation', metavar: 'DIR', help: 'default: runs/evaluation' });
  add('--compare', {
    nargs: 2,
    metavar: 'RESULT',
    help: 'two results (folders, or result.json) beside each other; nothing is drawn',
  });
  add('--reproduce', {
    choices: [...REPRODUCTIONS],
    help: "a table or figure of the paper, theirs beside ours: table2 (accuracies), s2 (β), s4 (best of n), fig6 (scorers' matrix)",
  });
  add('--budget', {
    choices: ['small', 'full'],
    default: 'full',
    help: 'of --reproduce in the embedded world; small shows the form alone',
  });
}

function namedPlace(value: string): readonly [string, string] {
  const at = value.indexOf('=');
  if (at > 0 && at < value.length - 1) return [value.slice(0, at), value.slice(at + 1)];
  throw new ArgumentTypeError(
    `'${value}' is not allowed; give a name and a model, as base=data/base`,
  );
}

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function evaluateArgs(argv: readonly string[]): EvaluateArgs {
  const parser = evaluateParser();
  const args = parser.parse_args([...argv]) as Omit<EvaluateArgs, 'models' | 'seeds'> & {
    readonly models?: EvaluateArgs['models'];
    readonly seeds: number | readonly number[];
  };
  const { models = [], compare, reproduce } = args;
  const names = models.map(([name]) => name);
  if (compare === undefined && reproduce === undefined && models.length < 2)
    parser.error('argument --models: give two or more, as base=data/base dpo=runs/toy');
  if (new Set(names).size < names.length)
    parser.error(`argument --models: a name is given twice: ${names.join(', ')}`);
  return { ...args, models, seeds: [args.seeds].flat() };
}
