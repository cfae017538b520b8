import { ArgumentParser } from 'argparse';
import { integer } from '../args';
import { type BenchCase, benchCases } from './names';

/** What `npm run bench` was asked for. */
export interface BenchArgs {
  readonly rounds: number;
  readonly warm_ups: number;
  readonly cases: readonly BenchCase[];
}

const description = `Times train step and sampling, side by side with PyTorch where DPO_TORCH_PYTHON names a Python
with torch and diffusers.`;

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function benchArgs(argv: readonly string[]): BenchArgs {
  const names = Object.keys(benchCases) as BenchCase[];
  const parser = new ArgumentParser({ prog: 'npm run bench --', description });
  parser.add_argument('--rounds', {
    type: integer({ min: 1 }),
    default: 15,
    metavar: 'N',
    help: 'timed runs of each case; default: 15',
  });
  parser.add_argument('--warm_ups', {
    type: integer({ min: 0 }),
    default: 3,
    metavar: 'N',
    help: 'runs before those, not counted; default: 3',
  });
  parser.add_argument('--cases', {
    choices: names,
    nargs: '+',
    default: names,
    help: 'default: all',
  });
  return parser.parse_args([...argv]) as unknown as BenchArgs;
}
