/** What a run leaves in the notebook itself. */
import type { Notebook } from './notebook-file';
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

/** The notebook in the form that is committed, sealed where it ran whole, and a sentence for what must not be. */
export function toCommit(
  { notebook, status }: Pick<NotebookRun, 'notebook' | 'status'>,
  { budget = process.env.DPO_NOTEBOOK_BUDGET, machine = privateHere() }: CommitOptions = {},
): { readonly notebook: Notebook; readonly warnings: readonly string[] } {
  const isWhole = status === 'done' && budget === undefined;
  const small = `It ran with DPO_NOTEBOOK_BUDGET=${budget}; the outputs to commit are made without.`;
  const warnings = [...(budget === undefined ? [] : [small]), ...secretsIn(notebook, machine)];
  return { notebook: committedForm(isWhole ? sealed(notebook) : unsealed(notebook)), warnings };
}
