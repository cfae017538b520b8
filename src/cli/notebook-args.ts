import { ArgumentParser } from 'argparse';
import { RUNS_FOLDER } from '../training/run-folder';
import { fileName } from './args';
import { type Parameter, parameter } from './notebook-parameters';

/** What `npm run notebook` was asked for. */
export interface NotebookArgs {
  readonly task: 'run' | 'format';
  readonly notebook: string;
  readonly parameters: readonly Parameter[];
  readonly output?: string;
  readonly inPlace: boolean;
  readonly existing: 'refuse' | 'replace';
  /** The folder of runs. */
  readonly runs: string;
}

type Parsed = Pick<NotebookArgs, 'notebook' | 'output' | 'runs'> & {
  readonly set: readonly string[];
  readonly in_place: boolean;
  readonly format: boolean;
  readonly force: boolean;
};

const description = `Runs a notebook from top to bottom and writes the copy that ran. Ends with status 1 at the first cell
that fails, and with 130 after Ctrl-C; what was made until then is kept.`;

/**
 * Reads the command line; a mistake in it prints usage and reason, and ends the process with status 2.
 * @throws UsageError where a value of --set has no name
 */
export function notebookArgs(argv: readonly string[]): NotebookArgs {
  const parser = new ArgumentParser({ prog: 'npm run notebook --', description });
  parser.add_argument('notebook', { metavar: 'NOTEBOOK.ipynb' });
  parser.add_argument('--set', {
    nargs: '+',
    action: 'extend',
    default: [],
    metavar: 'NAME=VALUE',
    help: 'constants, put in after the cell tagged "parameters", or else after the first code cell; values as in JSON, or text',
  });
  const place = parser.add_mutually_exclusive_group();
  place.add_argument('--output', {
    type: fileName('.ipynb'),
    metavar: 'COPY.ipynb',
    help: 'default: in a new folder of runs/',
  });
  place.add_argument('--in-place', {
    action: 'store_true',
    help: 'write into the notebook itself, in the form that is committed, also where a cell fails',
  });
  place.add_argument('--format', {
    action: 'store_true',
    help: 'run nothing: only bring the notebook into the form that is committed',
  });
  parser.add_argument('--force', { action: 'store_true', help: 'replace an --output that exists' });
  parser.add_argument('--runs', { default: RUNS_FOLDER, metavar: 'DIR', help: 'default: runs/' });
  const { set, in_place, format, force, ...rest } = parser.parse_args([...argv]) as Parsed;
  if (format && set.length > 0)
    parser.error('argument --format: not allowed with argument --set; no cell is run');
  return {
    ...rest,
    task: format ? 'format' : 'run',
    parameters: set.map(parameter),
    inPlace: in_place,
    existing: force ? 'replace' : 'refuse',
  };
}
