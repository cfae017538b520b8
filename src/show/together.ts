/** Several values under one cell. */
import { DISPLAY, type Displayable } from './notebook';

/** Shows the values one below the other. Pictures and figures need a cell, or `display`, each. */
export function together(...values: readonly Displayable[]): Displayable {
  return {
    [DISPLAY]: async () => {
      const bundles = await Promise.all(values.map((value) => value[DISPLAY]()));
      const html = bundles.map((bundle) => `<div>${String(bundle['text/html'] ?? '')}</div>`);
      const plain = bundles.map((bundle) => String(bundle['text/plain'] ?? ''));
      return { 'text/html': html.join(''), 'text/plain': plain.join('\n') };
    },
  };
}
