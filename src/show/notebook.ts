/** The notebook this code runs in, where it runs in one: how a value is put under a cell. */

/** A value's forms by MIME type; binary ones in base64. The notebook shows the richest it can. */
export type MimeBundle = { readonly [mime: string]: unknown };

/** The method that gives a value its look in a notebook; Deno's kernel knows it too. */
export const DISPLAY = Symbol.for('Jupyter.display');

/** Something that looks like more than text as the last value of a cell, or through `display`. */
export interface Displayable {
  readonly [DISPLAY]: () => MimeBundle | Promise<MimeBundle>;
}

export interface Notebook {
  display(data: MimeBundle, options?: { readonly displayId?: string }): void;
  update(displayId: string, data: MimeBundle): void;
  readonly signal: AbortSignal;
}

const NOTEBOOK = Symbol.for('diffusion-dpo.notebook'); // set by kernels/typescript

/** The notebook, or undefined in a plain program. */
export function notebook(): Notebook | undefined {
  return (globalThis as { [NOTEBOOK]?: Notebook })[NOTEBOOK];
}

/** Aborted when the person stops the cell that is running; undefined in a plain program. */
export const cellSignal = (): AbortSignal | undefined => notebook()?.signal;
