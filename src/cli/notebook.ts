/** `npm run notebook`: runs a notebook through the project's kernel in the terminal, and keeps the copy that ran. */
import { basename, relative, resolve } from 'node:path';
import { formatDuration } from '../show/text';
import { createRunFolder } from '../training/run-folder';
import { givenNotebook, placeToWrite, refuseExisting } from './given-notebook';
import { type NotebookArgs, notebookArgs } from './notebook-args';
import { toCommit } from './notebook-commit';
import { writeNotebook } from './notebook-file';
import { committedForm } from './notebook-form';
import { withParameters } from './notebook-parameters';
import { NotebookProgress } from './notebook-progress';
import { UsageError } from './output-files';
import { stripAnsi } from './report-html';
import { type NotebookRun, runNotebook } from './run-notebook';

/** Exit statuses: done, failed, and as a shell counts Ctrl-C. */
const STATUS = { done: 0, failed: 1, stopped: 130 } as const;

async function main(): Promise<void> {
  const args = notebookArgs(process.argv.slice(2));
  const { path, notebook } = givenNotebook(args.notebook);
  if (args.task === 'format') {
    writeNotebook(path, committedForm(notebook));
    return console.log(path);
  }
  const asked = withParameters(notebook, args.parameters);
  const { output, env } = destination(args, path);
  const presses = watchPresses();
  const progress = new NotebookProgress();
  const started = Date.now();
  const run = await runNotebook(path, asked, {
    env,
    ...presses,
    onCell: (place) => progress.cell(place),
    onText: (text, place) => progress.text(text, place),
  });
  if (run.status === 'done') progress.end();
  const written = args.inPlace ? placeToWrite(path, notebook) : output;
  if (args.inPlace) writeToCommit(written, run);
  else writeNotebook(written, run.notebook);
  if (written !== output)
    console.error(`\n${output} was saved by another program meanwhile; it stays as it is.`);
  tell(run, written, (Date.now() - started) / 1000);
  process.exitCode = STATUS[run.status];
}

function writeToCommit(path: string, run: NotebookRun): void {
  const { notebook, warnings } = toCommit(run);
  writeNotebook(path, notebook);
  if (warnings.length > 0) console.error(`\nNot to be committed as it is:\n${warnings.join('\n')}`);
}

/** Where the copy is written; by default with what the notebook itself keeps, in a new folder of runs. */
function destination(
  { output, inPlace, existing, runs, parameters }: NotebookArgs,
  path: string,
): { readonly output: string; readonly env: { readonly [name: string]: string } } {
  if (inPlace) return { output: path, env: {} };
  if (output !== undefined) {
    refuseExisting(resolve(output), existing);
    return { output: resolve(output), env: {} };
  }
  const name = basename(path, '.ipynb').replace(/^\d+-/, '');
  const config = { notebook: relative(process.cwd(), path), ...Object.fromEntries(parameters) };
  const folder = createRunFolder(resolve(runs), name, config);
  return { output: folder.file(`${name}.ipynb`), env: { DPO_RUN_FOLDER: folder.path } };
}

/** npm passes on a Ctrl-C that the terminal has sent to all: one press may come twice. */
const SAME_PRESS_MS = 500;

/** The first Ctrl-C or SIGTERM stops the cell, which may save; the second ends the kernel. */
function watchPresses() {
  const [stopCell, end] = [new AbortController(), new AbortController()];
  let first = 0;
  const press = (signal: NodeJS.Signals) => {
    if (stopCell.signal.aborted) {
      if (Date.now() - first > SAME_PRESS_MS) end.abort(signal);
      return;
    }
    first = Date.now();
    stopCell.abort(signal);
    console.error(`\n${signal}: stopping the cell; the next one ends the kernel.`);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, press);
  return { stopCell: stopCell.signal, signal: end.signal };
}

function tell({ status, failure }: NotebookRun, output: string, seconds: number): void {
  const time = formatDuration(seconds);
  if (failure !== undefined) {
    const { place, error } = failure;
    const what = stripAnsi(`${error.ename}: ${error.evalue}`).split('\n', 1)[0];
    console.error(
      `\n\n✗ Cell ${place.number} of ${place.count} failed (${place.heading || 'no heading'}): ${what}\n`,
    );
    console.error(error.traceback.join('\n'));
    console.error(`\nThe notebook up to there:`);
  } else if (status === 'stopped') console.error(`\nStopped after ${time}. What was made:`);
  else console.error(`\nRan for ${time}:`);
  console.log(output);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof UsageError || (error instanceof Error && 'code' in error);
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
