/** Notebooks run by this project's runner and by Jupyter's own client, and what must be the same in both copies. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type CodeCell, type Notebook, readNotebook } from '../../src/cli/notebook-file';
import { committedForm } from '../../src/cli/notebook-form';
import { type Parameter, withParameters } from '../../src/cli/notebook-parameters';
import { notebookText } from '../../src/cli/notebook-text';
import { stripAnsi } from '../../src/cli/report-html';
import { type NotebookRun, runNotebook } from '../../src/cli/run-notebook';
import { clickLinks } from '../support/label-clicker';

export const ROOT = resolve(__dirname, '..', '..');

/** The tests' setting; what a notebook keeps goes to a run below `folder`, of the same name for each runner. */
export function small(folder: string) {
  const run = join(folder, 'run');
  mkdirSync(run, { recursive: true });
  // No model of the hub, also where there is a network, or one of them on this machine.
  const away = { HF_HUB_OFFLINE: '1', HF_HOME: join(folder, 'hub') };
  const links = join(folder, 'links'); // where to answer what the notebook asks
  return { DPO_NOTEBOOK_BUDGET: 'small', DPO_RUN_FOLDER: run, DPO_LABEL_LINKS: links, ...away };
}

type Env = { readonly [name: string]: string };

/** @throws AssertionError with place and trace where a cell fails */
export async function runHere(
  path: string,
  env: Env,
  parameters: readonly Parameter[] = [],
): Promise<Notebook> {
  const asked = withParameters(readNotebook(path), parameters);
  const run = await answered(env, () => runNotebook(path, asked, { env }));
  assert.equal(run.status, 'done', why(run));
  return run.notebook;
}

/** Whom the notebook asks which picture is better is the world's judge, who answers as a page does. */
async function answered<T>({ DPO_LABEL_LINKS: links }: Env, run: () => Promise<T>): Promise<T> {
  if (links === undefined) return run();
  const clicker = clickLinks(links);
  const running = run();
  try {
    await Promise.race([running, clicker.done]); // which ends before only where an answer was refused
    return await running;
  } finally {
    clicker.stop().catch(() => undefined); // told above
  }
}

const why = ({ failure }: NotebookRun) =>
  `cell ${failure?.place.number}, ${failure?.place.heading}\n${stripAnsi((failure?.error.traceback ?? []).join('\n'))}`;

/** The copy that Jupyter's client leaves in `folder`. */
export async function runInJupyter(path: string, folder: string, env: Env): Promise<string> {
  const python = join(ROOT, '.venv', 'bin', 'python');
  assert.ok(existsSync(python), 'there is no .venv; npm run setup makes it');
  const copy = join(folder, `nbclient-${basename(path)}`);
  const args = [join(__dirname, 'nbclient_run.py'), path, copy];
  const inPlace = { env: { ...process.env, JUPYTER_PATH: ROOT, ...env } };
  await answered(env, () => promisify(execFile)(python, args, inPlace));
  return copy;
}

export const codeCells = ({ cells }: Notebook): CodeCell[] =>
  cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell] : []));

/** Whatever was taken from a clock: a date, `2:16`, `3.1 s`, `12 ms`, `5.2 steps/s`. */
const MEASURED =
  /\b\d{4}-\d\d-\d\d[T-]\d\d[:\d]*(?:\.\d+Z)?(?:-[\w-]+)?|\b\d+(?::\d\d)+\b|[\d.,]+(?=\s?(?:ms|s|min|h|steps\/s|it\/s)\b)/g;

/** A progress line's `1.4 s each` or `0.7/s`, which it has only where the work took half a second. */
const PACE = / · [\d.,]+(?: s each|\/s)(?= · )/g;

/** The text of a copy without times of running, wherever they stand. */
export const timeless = (notebook: Notebook): string =>
  notebookText(committedForm(notebook)).replace(PACE, '').replace(MEASURED, '‹time›');

/** The ids of the cells that differ in more than times. */
export function differing(a: Notebook, b: Notebook): string[] {
  const alone = (notebook: Notebook, i: number) =>
    timeless({ ...notebook, cells: notebook.cells.slice(i, i + 1) });
  const count = Math.max(a.cells.length, b.cells.length);
  const places = [...Array(count).keys()].filter((i) => alone(a, i) !== alone(b, i));
  return places.map((i) => a.cells[i]?.id ?? `cell ${i + 1}`);
}

/** What is the same of a cell that shows measured numbers: its count, and the forms of its outputs in order. */
export const formsOf = ({ execution_count, outputs }: CodeCell) => ({
  execution_count,
  outputs: outputs.map((output) =>
    'data' in output
      ? [output.output_type, ...Object.keys(output.data).sort()]
      : [output.output_type, output.output_type === 'stream' && output.name],
  ),
});
