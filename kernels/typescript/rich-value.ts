/** How a value is shown: by its own `Symbol.for('Jupyter.display')`, as a library knows it, else as Node would print it. */
import { inspect } from 'node:util';
import type { MimeBundle } from './output';

/** The method that returns a value's MIME bundle, at once or later; Deno's kernel uses the same. */
export const DISPLAY = Symbol.for('Jupyter.display');

/** Where on `globalThis` the library (`src/show/looks.ts`) leaves how it shows values that do not know it themselves. */
const LOOKS = Symbol.for('diffusion-dpo.looks');

type Displayed = { readonly [DISPLAY]: () => MimeBundle | Promise<MimeBundle> };

function isDisplayed(value: unknown): value is Displayed {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as Partial<Displayed>)[DISPLAY] === 'function'
  );
}

export async function mimeBundle(value: unknown): Promise<MimeBundle> {
  if (isDisplayed(value)) return value[DISPLAY]();
  const { [LOOKS]: lookOf } = globalThis as { [LOOKS]?: (value: unknown) => Displayed | undefined };
  const look = lookOf?.(value);
  if (look) return look[DISPLAY]();
  return { 'text/plain': inspect(value, { depth: 4, breakLength: 100, maxArrayLength: 50 }) };
}
