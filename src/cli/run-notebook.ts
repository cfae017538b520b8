/** Runs a notebook from top to bottom through the project's kernel, without Jupyter. */
import { dirname } from 'node:path';
import {
  type ExecuteOptions,
  type KernelClient,
  KernelDied,
  startKernel,
} from '../../kernels/typescript/client';
import { CellOutputs } from './cell-outputs';
import { type CellOutput, type CodeCell, hasTag, type Json, type Notebook } from './notebook-file';

/** A code cell about to run, or running. */
export interface CellPlace {
  /** 1-based, among code cells. */
  readonly number: number;
  readonly count: number;
  /** The last heading above the cell. */
  readonly heading: string;
}

export interface RunNotebookOptions {
  /** Added to the environment of the kernel. */
  readonly env?: { readonly [name: string]: string };
  /** Ends the run; cells that were run keep their outputs. */
  readonly signal?: AbortSignal;
  /** Stops the cell that runs, as Jupyter's ■ does: it may save on its way out. The run ends there. */
  readonly stopCell?: AbortSignal;
  readonly onCell?: (place: CellPlace) => void;
  readonly onCellDone?: (place: CellPlace, seconds: number) => void;
  /** The text form of whatever a cell shows, live lines included. */
  readonly onText?: (text: string, place: CellPlace) => void;
}

export interface NotebookRun {
  /** The notebook with the outputs of this run; cells that did not run have none. */
  readonly notebook: Notebook;
  readonly status: 'done' | 'failed' | 'stopped';
  /** Where and why it failed. */
  readonly failure?: { readonly place: CellPlace; readonly error: CellError };
}

export type CellError = Pick<
  Extract<CellOutput, { output_type: 'error' }>,
  'ename' | 'evalue' | 'traceback'
>;

/**
 * The kernel works in the notebook's folder, `path`'s. A cell that throws ends the run, unless it is tagged
 * `raises-exception`; one tagged `skip-execution` stays as it is. Both are as in Jupyter's own nbclient.
 * @throws Error when the kernel does not start.
 */
export async function runNotebook(
  path: string,
  notebook: Notebook,
  options: RunNotebookOptions = {},
): Promise<NotebookRun> {
  const { env, signal, stopCell } = options;
  const kernel = await startKernel({ folder: dirname(path), env });
  const stop = () => void kernel.shutdown();
  const interrupt = () => void kernel.interrupt();
  signal?.addEventListener('abort', stop);
  stopCell?.addEventListener('abort', interrupt);
  try {
    return await runCells(kernel, notebook, options);
  } finally {
    signal?.removeEventListener('abort', stop);
    stopCell?.removeEventListener('abort', interrupt);
    await kernel.shutdown();
  }
}

async function runCells(
  kernel: KernelClient,
  notebook: Notebook,
  { signal, stopCell, onCell, onCellDone, onText }: RunNotebookOptions,
): Promise<NotebookRun> {
  const isStopped = () => signal?.aborted === true || stopCell?.aborted === true;
  const outputs = new CellOutputs();
  const done = new Map<string, Partial<CodeCell>>();
  const executed = () => withOutputs(notebook, outputs, done);
  for (const [i, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== 'code' || cell.source.trim() === '') continue;
    if (hasTag(cell, 'skip-execution')) continue;
    if (isStopped()) break;
    const mayFail = hasTag(cell, 'raises-exception');
    const place = placeOf(notebook, i);
    onCell?.(place);
    outputs.start(i);
    const started = Date.now();
    const onMessage = (msgType: string, content: Json) => {
      outputs.receive(i, msgType, content);
      const text = textOf(content);
      if (text !== '') onText?.(text, place);
    };
    const options = { onMessage, stopOnError: !mayFail };
    const reply = await executeOrStop(kernel, cell.source, options, signal);
    if (reply === undefined) break;
    const metadata = { ...cell.metadata, execution: timing(started) };
    done.set(cell.id, { execution_count: countOf(reply), metadata });
    if (reply.status !== 'ok' && isStopped()) break;
    if (reply.status !== 'ok' && (!mayFail || reply.ename === KernelDied.name)) {
      const error = reply as Json & CellError;
      return { notebook: executed(), status: 'failed', failure: { place, error } };
    }
    onCellDone?.(place, (Date.now() - started) / 1000);
  }
  return { notebook: executed(), status: isStopped() ? 'stopped' : 'done' };
}

function withOutputs(
  notebook: Notebook,
  outputs: CellOutputs,
  done: ReadonlyMap<string, Partial<CodeCell>>,
): Notebook {
  const cells = notebook.cells.map((cell, i) =>
    cell.cell_type === 'code' && !hasTag(cell, 'skip-execution')
      ? { ...cell, execution_count: null, ...done.get(cell.id), outputs: outputs.of(i) }
      : cell,
  );
  return { ...notebook, cells };
}

const countOf = ({ execution_count }: Json) =>
  typeof execution_count === 'number' ? execution_count : null;

/** The reply, or undefined when the run was stopped meanwhile; of a kernel that died, the cell is told to have failed. */
async function executeOrStop(
  kernel: KernelClient,
  code: string,
  options: Required<ExecuteOptions>,
  signal: AbortSignal | undefined,
): Promise<Json | undefined> {
  try {
    return await kernel.execute(code, options);
  } catch (error) {
    if (!(error instanceof KernelDied)) throw error;
    if (signal?.aborted) return undefined;
    const { name: ename, message: evalue } = error;
    const report = { ename, evalue, traceback: [`${ename}: ${evalue}`] };
    options.onMessage('error', report);
    return { status: 'error', ...report };
  }
}

/** When the cell ran, under the names that JupyterLab gives these times. */
function timing(started: number): Json {
  return {
    'iopub.execute_input': new Date(started).toISOString(),
    'shell.execute_reply': new Date().toISOString(),
  };
}

function textOf(content: Json): string {
  const plain = (content.data as Json | undefined)?.['text/plain'] ?? content.text ?? '';
  return String(plain).trim();
}

function placeOf({ cells }: Notebook, index: number): CellPlace {
  const isCode = (cell: { readonly cell_type: string }) => cell.cell_type === 'code';
  const headings = cells
    .slice(0, index)
    .filter((cell) => cell.cell_type === 'markdown')
    .flatMap(({ source }) => [...source.matchAll(/^#+\s+(.*)$/gm)].map((match) => match[1] ?? ''));
  return {
    number: cells.slice(0, index + 1).filter(isCode).length,
    count: cells.filter(isCode).length,
    heading: headings.at(-1) ?? '',
  };
}
