/** What a run leaves in the notebook itself. */
import { resolve, sep } from 'node:path';
import type { CellOutput, Notebook } from './notebook-file';
import { committedForm } from './notebook-form';
import { sealed, unsealed } from './notebook-seal';
import { type Private, privateHere, secretsIn } from './notebook-secrets';
import type { NotebookRun } from './run-notebook';

export interface CommitOptions {
  /** The notebook's setting of size, as it reads it from DPO_NOTEBOOK_BUDGET. @default that of this process */
  readonly budget?: string | undefined;
  /** @default of this machine */
  readonly machine?: Private;
}

const ROOT = resolve(__dirname, '..', '..') + sep;

/**
 * The notebook in the form that is committed, sealed where it ran whole, with a sentence for what must not be. Files of
 * this clone are named in it as from the clone's own folder.
 */
export function toCommit(
  run: Pick<NotebookRun, 'notebook' | 'status'>,
  { budget = process.env.DPO_NOTEBOOK_BUDGET, machine = privateHere() }: CommitOptions = {},
): { readonly notebook: Notebook; readonly warnings: readonly string[] } {
  const notebook = withShortPaths(run.notebook);
  const isWhole = run.status === 'done' && budget === undefined;
  const small = `It ran with DPO_NOTEBOOK_BUDGET=${budget}; the outputs to commit are made without.`;
  const warnings = [...(budget === undefined ? [] : [small]), ...secretsIn(notebook, machine)];
  return { notebook: committedForm(isWhole ? sealed(notebook) : unsealed(notebook)), warnings };
}

function withShortPaths(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === 'code' ? { ...cell, outputs: cell.outputs.map(shortened) } : cell,
  );
  return { ...notebook, cells };
}

const shortened = (output: CellOutput): CellOutput =>
  JSON.parse(JSON.stringify(output), (_, value) =>
    typeof value === 'string' ? value.replaceAll(ROOT, '') : value,
  );
