/** The prompts of somebody's Python notebook, read out of its code; none of it is run. */
import { readFile } from 'node:fs/promises';
import { HubError } from '../hub/remote/hub-error';
import { type HubOptions, hubSettings } from '../hub/remote/settings';
import { bodyText, exchange } from '../hub/remote/transport';
import { pythonStringList } from './python-strings';

/** The original's `quick_samples.ipynb`, in its authors' public repository. */
export const ORIGINAL_NOTEBOOK =
  'https://raw.githubusercontent.com/SalesforceAIResearch/DiffusionDPO/main/quick_samples.ipynb';

export interface NotebookPromptOptions extends Pick<HubOptions, 'network' | 'signal' | 'env'> {
  /** The name of the list in the notebook's code. @default 'example_prompts' */
  readonly list?: string;
}

const hasAny = (strings: readonly string[]) => strings.length > 0;

const MOST_BYTES = 4 << 20;

/**
 * The strings of a list that a notebook's code defines.
 * @param where a file, or an address that begins with https://
 * @throws RangeError where it is no notebook, or has no such list, or one with other things than strings
 * @throws HubError where the network is off or does not lead there; Error of the file system
 */
export async function notebookPrompts(
  where: string = ORIGINAL_NOTEBOOK,
  { list = 'example_prompts', ...network }: NotebookPromptOptions = {},
): Promise<string[]> {
  const text = where.startsWith('https://')
    ? await download(new URL(where), network)
    : await readFile(where, 'utf8');
  const code = codeOf(where, text);
  const prompts = code
    .map((cell) => pythonStringList(cell, list) ?? [])
    .filter(hasAny)
    .at(-1);
  if (prompts) return prompts;
  throw new RangeError(`The code of "${where}" has no list of strings called "${list}".`);
}

async function download(url: URL, options: HubOptions): Promise<string> {
  const { network, env, patience } = hubSettings(options);
  if (network === 'offline')
    throw new HubError(`The network is off, and ${url.href} is asked for.`, undefined, 'offline');
  const { stallMs } = patience;
  const headers = { 'User-Agent': 'diffusion-dpo; node' };
  const { signal } = options;
  const answer = await exchange(url, { method: 'GET', headers, stallMs, signal, env }).catch(
    (error: Error) => {
      signal?.throwIfAborted();
      const text = `${url.href} cannot be reached: ${error.message}.`;
      throw new HubError(text, undefined, 'unreachable');
    },
  );
  const text = await bodyText(answer, MOST_BYTES);
  if (answer.statusCode === 200) return text;
  const status = answer.statusCode;
  throw new HubError(`${url.href} was answered with ${status}; give the notebook's path.`, status);
}

/** Sources of the code cells. Format: nbformat 4, where a source is text or a list of lines. */
function codeOf(where: string, text: string): string[] {
  const cells = (parsed(where, text) as { readonly cells?: unknown }).cells;
  if (!Array.isArray(cells)) throw new RangeError(`"${where}" is no notebook: it has no cells.`);
  return cells.flatMap((cell) => {
    const { cell_type, source } = Object(cell) as Record<string, unknown>;
    if (cell_type !== 'code') return [];
    return [Array.isArray(source) ? source.join('') : String(source)];
  });
}

function parsed(where: string, text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new RangeError(`"${where}" is no notebook: ${(error as Error).message}.`);
  }
}
