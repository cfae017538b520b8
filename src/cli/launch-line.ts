/** Command lines of the original, as they stand in its README and launchers, and flags kept in files. */
import type { TrainRequest } from '../training/options';
import { UsageError } from './output-files';

/** What stood before train.py's own flags, and those flags. */
export interface LaunchLine {
  readonly flags: readonly string[];
  /** GPUs the line was written for; undefined where it does not say. */
  readonly numProcesses?: number;
  readonly mixedPrecision?: string;
  readonly launcher: 'accelerate' | 'python' | 'none';
}

/**
 * Takes `accelerate launch --mixed_precision=fp16 train.py --flag …` apart; plain flags are left alone.
 * @throws UsageError for words before the first flag that are no such line
 */
export function launchLine(argv: readonly string[]): LaunchLine {
  if (argv[0] === undefined || argv[0].startsWith('-')) return { flags: argv, launcher: 'none' };
  const script = argv.findIndex((word) => /(^|\/)train\.py$/.test(word));
  if (script < 0)
    throw new UsageError(
      `'${argv[0]}' is no flag; give flags, or a line such as accelerate launch train.py --flag …`,
    );
  const before = argv.slice(0, script);
  const processes = flagValue(before, '--num_processes') ?? flagValue(before, '--num-processes');
  const precision =
    flagValue(before, '--mixed_precision') ?? flagValue(before, '--mixed-precision');
  return {
    flags: argv.slice(script + 1),
    launcher: before.some((word) => /accelerate/.test(word)) ? 'accelerate' : 'python',
    ...(processes === undefined ? {} : { numProcesses: processCount(processes) }),
    ...(precision === undefined ? {} : { mixedPrecision: precision }),
  };
}

function flagValue(words: readonly string[], flag: string): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const word = words[at];
  return word === flag ? words[at + 1] : word?.slice(flag.length + 1);
}

function processCount(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UsageError(`accelerate's --num_processes is '${value}'; give an integer, 1 or more.`);
}

/** What a line of accelerate means for one process: the request it comes to, and a sentence on each change. */
export function inOneProcess(
  { launcher, numProcesses, mixedPrecision }: LaunchLine,
  request: TrainRequest,
): { readonly request: TrainRequest; readonly notes: readonly string[] } {
  if (launcher !== 'accelerate') return { request, notes: [] };
  const notes: string[] = [];
  const changed: Record<string, unknown> = {};
  const { gradientAccumulationSteps: accumulation = 1 } = request;
  if (numProcesses === undefined)
    notes.push(
      'accelerate launch: one process trains here; for the batch of N GPUs (16 in the original), multiply --gradient_accumulation_steps by N.',
    );
  else if (numProcesses > 1) {
    changed.gradientAccumulationSteps = accumulation * numProcesses;
    notes.push(
      `accelerate's --num_processes ${numProcesses}: one process trains here; --gradient_accumulation_steps becomes ` +
        `${accumulation} × ${numProcesses} = ${accumulation * numProcesses}, which keeps effective batch and rate.`,
    );
  }
  if (mixedPrecision !== undefined && request.mixedPrecision === undefined)
    changed.mixedPrecision = mixedPrecision;
  return { request: { ...request, ...changed }, notes };
}

/**
 * The words of a text as a shell would see them: quotes, backslashes, lines that go on, and # comments.
 * @throws UsageError where a quote is not closed
 */
export function splitWords(source: string): string[] {
  const words: string[] = [];
  const token = /\\\r?\n|\s+|#[^\n]*|((?:[^\s"'\\]|\\[^\n]|"(?:[^"\\]|\\.)*"|'[^']*')+)|(["'\\])/gy;
  for (const [, word, open] of source.matchAll(token)) {
    if (open !== undefined) throw new UsageError(`A quote is not closed: ${open}`);
    if (word !== undefined) words.push(unquoted(word));
  }
  return words;
}

const unquoted = (word: string) =>
  word.replace(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) =>
      double?.replace(/\\(["\\$`])/g, '$1') ?? single ?? escaped ?? '',
  );
