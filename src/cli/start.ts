/**
 * `npm start`: runs a notebook through the project's own kernel and leaves its report in `runs/`.
 * Arguments: the notebook and the folder of runs, both optional.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { formatDuration } from '../show/text';
import { createRunFolder, RUNS_FOLDER, type RunFolder } from '../training/run-folder';
import { type Notebook, readNotebook, writeNotebook } from './notebook-file';
import { NotebookProgress } from './notebook-progress';
import { writeReport } from './report';
import { stripAnsi } from './report-html';
import { type NotebookRun, runNotebook } from './run-notebook';

const ROOT = resolve(__dirname, '..', '..');
const FIRST_LIGHT = join(ROOT, 'notebooks', '01-first-light.ipynb');

/** Exit statuses: done, failed, and as a shell counts Ctrl-C. */
const STATUS = { done: 0, failed: 1, stopped: 130 } as const;

async function main(): Promise<void> {
  const [, , given = FIRST_LIGHT, runs = RUNS_FOLDER] = process.argv;
  const path = resolve(given);
  if (!existsSync(path)) throw new Error(`There is no notebook ${given}.`);
  const name = basename(path, '.ipynb').replace(/^\d+-/, '');
  const notebook = readNotebook(path);
  const folder = createRunFolder(resolve(runs), name, { notebook: relative(ROOT, path) });
  const stopping = new AbortController();
  process.on('SIGINT', () => stopping.abort());
  process.on('SIGTERM', () => stopping.abort());

  console.log(`Running ${relative(ROOT, path)}. Ctrl-C stops it and keeps what is done.\n`);
  const started = Date.now();
  const progress = new NotebookProgress();
  const run = await runNotebook(path, notebook, {
    env: { DPO_RUN_FOLDER: folder.path },
    signal: stopping.signal,
    onCell: (place) => progress.cell(place),
    onText: (text, place) => progress.text(text, place),
  });
  if (run.status === 'done') progress.end();
  const seconds = (Date.now() - started) / 1000;
  keep(run, folder, name, seconds);
  tell(run, folder, name, seconds);
  process.exitCode = STATUS[run.status];
}

function keep({ notebook }: NotebookRun, folder: RunFolder, name: string, seconds: number): void {
  writeNotebook(folder.file(`${name}.ipynb`), notebook);
  const took = `ran for ${formatDuration(seconds)} on Node ${process.versions.node}`;
  writeReport(folder.file('report.html'), notebook, { facts: [folder.id, took] });
}

function tell(run: NotebookRun, folder: RunFolder, name: string, seconds: number): void {
  const report = folder.file('report.html');
  if (run.failure !== undefined) {
    const { place, error } = run.failure;
    console.log(`\n\n✗ Cell ${place.number} of ${place.count} failed (${place.heading}).\n`);
    console.log(error.traceback.join('\n'));
    console.log(`\nThe report up to there: ${report}`);
  } else if (run.status === 'stopped') {
    const kept = readdirSync(folder.path).filter((file) => file !== `${name}.ipynb.incomplete`);
    console.log(`\n\nStopped after ${formatDuration(seconds)}. Kept in ${folder.path}:`);
    console.log(`  ${kept.sort().join(', ')}`);
  } else {
    console.log(`\n${summary(run.notebook)}\n`);
    console.log(`Report, with all pictures: ${report}`);
    console.log(`Everything else of this run: ${folder.path}`);
    console.log(`Open the notebooks: npm run lab`);
  }
}

/** What the last cell shows, as text. */
function summary({ cells }: Notebook): string {
  const outputs = cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell.outputs] : []));
  const texts = (outputs.at(-1) ?? []).map((output) => {
    if (output.output_type === 'stream') return output.text;
    return 'data' in output ? String(output.data['text/plain'] ?? '') : '';
  });
  return stripAnsi(texts.join('\n')).trim();
}

main().catch((error: Error) => {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
});
