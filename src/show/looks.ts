/** How values look that are no displays themselves: one list, kept here, which the kernel asks. */
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';

/** Values of a class, or all that pass a test. */
export type Kind<T> =
  | { readonly class: { readonly prototype: T } }
  | { readonly is: (value: object) => boolean };

type Show<T> = (value: T) => MimeBundle | Promise<MimeBundle>;

/** A test for plain objects: whether a value is one that has all of these properties. */
export const has =
  (...names: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'object' && value !== null && names.every((name) => name in value);

/** Read by `kernels/typescript/rich-value.ts`. */
const LOOKS = Symbol.for('diffusion-dpo.looks');

const tested = new Map<string, { readonly is: (value: object) => boolean; show: Show<object> }>();

/**
 * Says how values of a kind are shown, as the last value of a cell or through `display`. The methods of a class are given
 * `Symbol.for('Jupyter.display')`, so that every kernel that knows it shows them. The same name again replaces the look.
 */
export function addLook<T extends object>(name: string, kind: Kind<T>, show: Show<T>): void {
  if ('is' in kind) {
    tested.set(name, { is: kind.is, show: show as Show<object> });
    return;
  }
  Object.defineProperty(kind.class.prototype, DISPLAY, {
    configurable: true,
    value(this: T) {
      return show(this);
    },
  });
}

/** How a value is shown: by its own method, or by the look of its kind; undefined where there is neither. */
export function lookOf(value: unknown): Displayable | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (typeof (value as Partial<Displayable>)[DISPLAY] === 'function') return value as Displayable;
  for (const { is, show } of tested.values())
    if (is(value)) return { [DISPLAY]: () => show(value) };
  return undefined;
}

Object.defineProperty(globalThis, LOOKS, { configurable: true, value: lookOf });
