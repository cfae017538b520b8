/** The prompts of somebody's Python notebook, read out of its code; none of it is run. */
import { readFile } from 'node:fs/promises';
import { bodyText, exchange } from '../hub/remote/transport';
import { pythonStringList } from './python-strings';

/** The original's `quick_samples.ipynb`, in its authors' public repository. */
export const ORIGINAL_NOTEBOOK =
  'https://raw.githubusercontent.com/SalesforceAIResearch/DiffusionDPO/main/quick_samples.ipynb';

export interface NotebookPromptOptions {
  /** The name of the list in the notebook's code. @default 'example_prompts' */
  readonly list?: string;
  readonly signal?: AbortSignal | undefined;
}

const MOST_BYTES = 4 << 20;

/**
 * The strings of a list that a notebook's code defines.
 * @param where a file, or an address that begins with https://
 * @throws RangeError where it is no notebook, or has no such list, or one with other things than strings
 * @throws Error of the file system or the network
 */
export async function notebookPrompts(
  where: string = ORIGINAL_NOTEBOOK,
  { list = 'example_prompts', signal }: NotebookPromptOptions = {},
): Promise<string[]> {
  const text = where.startsWith('https://')
    ? await download(new URL(where), signal)
    : await readFile(where, 'utf8');
  const code = codeOf(where, text);
  const prompts = code.map((cell) => pythonStringList(cell, list)).findLast((found) => found);
  if (prompts && prompts.length > 0) return prompts;
  throw new RangeError(`The code of "${where}" has no list of strings called "${list}".`);
}

async function download(url: URL, signal: AbortSignal | undefined): Promise<string> {
  const answer = await exchange(url, {
    method: 'GET',
    headers: { 'User-Agent': 'diffusion-dpo; node' },
    stallMs: 30_000,
    signal,
    env: process.env,
  });
  const text = await bodyText(answer, MOST_BYTES);
  if (answer.statusCode === 200) return text;
  throw new RangeError(
    `${url.href} was answered with ${answer.statusCode}; give the notebook's path.`,
  );
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
