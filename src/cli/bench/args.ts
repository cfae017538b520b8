import { ArgumentParser } from 'argparse';
import { fileName, integer } from '../args';
import { benchCases, realSizeCases, usualCases } from './catalogue';

/** What `npm run bench` was asked for. */
export interface BenchArgs {
  readonly rounds: number;
  readonly warm_ups: number;
  readonly cases: readonly string[];
  readonly output?: string;
  readonly overwrite: boolean;
}

const description = `Times training steps, blocks, drawing and starting, side by side with PyTorch where DPO_TORCH_PYTHON
names a Python with torch and diffusers. The sides take turns.`;

/** Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2. */
export function benchArgs(argv: readonly string[]): BenchArgs {
  const parser = new ArgumentParser({ prog: 'npm run bench --', description });
  parser.add_argument('--rounds', {
    type: integer({ min: 1 }),
    default: 9,
    metavar: 'N',
    help: 'timed runs of each case; default: 9',
  });
  parser.add_argument('--warm_ups', {
    type: integer({ min: 0 }),
    default: 2,
    metavar: 'N',
    help: 'runs before those, not counted, none of loading; default: 2',
  });
  parser.add_argument('--cases', {
    choices: Object.keys(benchCases),
    nargs: '+',
    default: usualCases,
    metavar: 'CASE',
    help: `default: ${usualCases.join(' ')}; by name only: ${Object.keys(benchCases)
      .filter((name) => !usualCases.includes(name))
      .join(' ')}`,
  });
  parser.add_argument('--real-size', {
    action: 'store_true',
    help: `only ${realSizeCases.join(' ')}, once and cold: time and memory of whole models; needs 20 GB`,
  });
  parser.add_argument('--output', {
    type: fileName('.json'),
    metavar: 'NAME.json',
    help: 'writes everything measured there',
  });
  parser.add_argument('--overwrite', { action: 'store_true', help: 'replace a file that exists' });
  const parsed = parser.parse_args([...argv]) as unknown as BenchArgs & { real_size: boolean };
  const { real_size: isRealSize, ...args } = parsed;
  return isRealSize ? { ...args, cases: realSizeCases, rounds: 1, warm_ups: 0 } : args;
}
