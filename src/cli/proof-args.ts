import { ArgumentParser } from 'argparse';
import { RECIPE } from '../toyworld/making/recipe';
import { WORLD_RECIPE } from '../toyworld/world-training';
import { RUNS_FOLDER } from '../training/run-folder';
import { addMixedPrecision, integer, type PrecisionName } from './args';

/** What `npm run proof` was asked for. */
export interface ProofArgs {
  readonly captions: number;
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly output: string;
  readonly mixed_precision: PrecisionName;
}

const description = `Does DPO work in the embedded world, and is it the preferences that do it? Trains DPO from each
seed and four controls with the same budget, and prints how often each beats the base on held-out captions.`;

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function proofArgs(argv: readonly string[]): ProofArgs {
  const parser = new ArgumentParser({ prog: 'npm run proof --', description });
  const { maxTrainSteps } = WORLD_RECIPE;
  parser.add_argument('--captions', {
    type: integer({ min: 2, max: RECIPE.prompts.count }),
    default: 250,
    metavar: 'N',
    help: 'held-out captions that every model draws; with 250, a rate near 75 %% is known to ±5 points',
  });
  parser.add_argument('--steps', {
    type: integer({ min: 1 }),
    default: maxTrainSteps,
    metavar: 'N',
    help: `optimizer steps of each training; default: ${maxTrainSteps}`,
  });
  parser.add_argument('--seeds', {
    type: integer({ min: 0 }),
    nargs: '+',
    default: [0, 1, 2],
    metavar: 'N',
    help: 'training seeds of DPO; the controls have seed 0; default: 0 1 2',
  });
  parser.add_argument('--output', {
    default: RUNS_FOLDER,
    metavar: 'DIR',
    help: 'where the folder with all numbers is made; default: runs/',
  });
  addMixedPrecision(parser);
  return parser.parse_args([...argv]) as unknown as ProofArgs;
}
