import { ArgumentParser, ArgumentTypeError } from 'argparse';
import { optionNotes } from '../training/option-notes';
import { checkPaths } from '../training/option-paths';
import { allowedValues } from '../training/option-spec';
import {
  resolveTrainOptions,
  type TrainFlag,
  type TrainOptions,
  type TrainRequest,
  trainOptionRows,
} from '../training/options';
import { ORIGINAL_FLAGS } from '../training/options-original';
import { decimal, integer } from './args';
import { inOneProcess, launchLine } from './launch-line';
import { UsageError } from './output-files';
import { PRESETS, presetWords } from './presets';

/** What `npm run train` was asked for; nothing was loaded yet. */
export interface TrainCommand {
  readonly options: TrainOptions;
  readonly action: 'train' | 'print the plan';
  /** One line for each flag that does something else here than its name says. */
  readonly notes: readonly string[];
}

const USAGE = 'npm run train -- [--preset NAME] [--dry_run] [--flag value …]';

const description = `Trains a diffusion model on preference pairs. Every flag of the original train.py has its name,
default and meaning; a whole line that begins with accelerate launch may be pasted. Flags marked + are not the original's.`;

const epilog = `Abbreviations are allowed where no other flag of the original, or else none of all, begins with them.`;

type Row = (typeof trainOptionRows)[number];

/** Reads a text of the command line as a row of the table has it; limits are checked with the options. */
const types = {
  ...{ text: String, list: String, settings: setting },
  ...{ integer: integer(), number: decimal() },
} as const;

/** NAME=VALUE, as a name and its value. */
function setting(word: string): readonly [name: string, value: string] {
  const at = word.indexOf('=');
  if (at < 1) throw new ArgumentTypeError(`'${word}' is not allowed; give NAME=VALUE`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function addFlag(to: Pick<ArgumentParser, 'add_argument'>, row: Row): void {
  const help = helpOf(row).replaceAll('%', '%%');
  const name = `--${row.flag}`;
  if (row.kind === 'switch') {
    to.add_argument(name, { action: 'store_true', help });
    return;
  }
  const metavars = {
    text: 'TEXT',
    list: 'TEXT',
    settings: 'NAME=VALUE',
    integer: 'N',
    number: 'X',
  };
  const metavar = row.choices ? 'NAME' : metavars[row.kind];
  const several = row.kind === 'list' || row.kind === 'settings' ? { nargs: '+' as const } : {};
  const again = row.kind === 'settings' ? { action: 'extend' as const } : {};
  to.add_argument(name, { type: types[row.kind], metavar, help, ...several, ...again });
}

function helpOf({ help, origin, default: value, choices, kind, need, ...row }: Row): string {
  const mark = origin === 'ours' ? '+ ' : '';
  const words = choices
    ? ` (${allowedValues({ help, choices, kind, need, default: value, limits: row.limits })})`
    : '';
  const usual = typeof value === 'number' || (typeof value === 'string' && value !== '');
  const tail = usual ? `; default: ${value}` : need === 'required' ? '; needed' : '';
  return mark + help + words + tail;
}

function trainParser(): ArgumentParser {
  const parser = new ArgumentParser({
    prog: 'npm run train --',
    usage: USAGE,
    description,
    epilog,
  });
  parser.error = (message) => {
    throw new UsageError(message);
  };
  parser.add_argument('--preset', {
    metavar: 'NAME',
    help: `flags from a file: ${PRESETS.join(', ')}, or the name of a file; flags of the line go before them`,
  });
  parser.add_argument('--dry_run', { action: 'store_true', help: 'print the plan and end' });
  const titles = new Set(trainOptionRows.map((row) => row.group));
  for (const title of titles) {
    const section = parser.add_argument_group(title);
    for (const row of trainOptionRows) if (row.group === title) addFlag(section, row);
  }
  return parser;
}

/** Abbreviations that the original takes keep their meaning, also where a flag of ours begins alike. */
function spelledOut(word: string): string {
  const [, name = '', value = ''] = /^--([^=]+)(=.*)?$/s.exec(word) ?? [];
  const flags = Object.keys(ORIGINAL_FLAGS) as TrainFlag[];
  const known = trainOptionRows.some(({ flag }) => flag === name);
  const [only, ...others] =
    name === '' || known ? [] : flags.filter((flag) => flag.startsWith(name));
  return only === undefined || others.length > 0 ? word : `--${only}${value}`;
}

function parse(words: readonly string[]) {
  const { preset, dry_run, ...parsed } = trainParser().parse_args(words.map(spelledOut)) as Record<
    string,
    unknown
  >;
  const given = trainOptionRows.flatMap(({ flag, option, kind }) => {
    const value = parsed[flag];
    const isAbsent = value === undefined || (kind === 'switch' && value === false);
    if (isAbsent) return [];
    const settings = () => Object.fromEntries(value as [string, string][]);
    return [[option, kind === 'settings' ? settings() : value]];
  });
  const request = Object.fromEntries(given) as TrainRequest;
  return { request, preset: preset as string | undefined, dryRun: dry_run === true };
}

/**
 * Reads the command line; `--help` prints and ends the process.
 * @throws UsageError naming flag, value and what is allowed
 */
export function trainCommand(argv: readonly string[]): TrainCommand {
  const line = launchLine(argv);
  const said = parse(line.flags);
  const preset = said.preset === undefined ? {} : parse(presetWords(said.preset)).request;
  const { request, notes } = inOneProcess(line, { ...preset, ...said.request });
  try {
    const options = resolveTrainOptions(request);
    checkPaths(options);
    return {
      options,
      action: said.dryRun ? 'print the plan' : 'train',
      notes: [...notes, ...optionNotes(options, request)],
    };
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}
