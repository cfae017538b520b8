import { inspect } from 'node:util';
import { lookOf } from './looks';
import { DISPLAY, type MimeBundle, notebook } from './notebook';

/** How a value is shown as the last one of a cell; what nothing is known of, as Node would print it. */
export async function bundleOf(value: unknown): Promise<MimeBundle> {
  const look = lookOf(value);
  return look ? look[DISPLAY]() : { 'text/plain': inspect(value, { depth: 4, breakLength: 100 }) };
}

/**
 * Shows a value under the cell at once; the last value of a cell is shown without it.
 * In a plain program its text form goes to standard output.
 */
export async function display(value: unknown): Promise<void> {
  const data = await bundleOf(value);
  const place = notebook();
  if (place !== undefined) place.display(data);
  else process.stdout.write(`${String(data['text/plain'] ?? '')}\n`);
}
