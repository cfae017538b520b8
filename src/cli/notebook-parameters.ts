/** Values that the command line gives a notebook, as a cell of its own. Upstream: papermill, parameterize.py. */
import { type CodeCell, hasTag, type Notebook, type NotebookCell } from './notebook-file';
import { UsageError } from './output-files';

/** A constant of the notebook and its new value, as JSON has values. */
export type Parameter = readonly [name: string, value: unknown];

const INJECTED = 'injected-parameters';

/**
 * Reads `name=value`: a value that is JSON as that, another as text.
 * @throws UsageError where the name is none, the JSON is broken, or a number cannot be held exactly enough
 */
export function parameter(word: string): Parameter {
  const [, name, text = ''] = /^([A-Za-z_$][\w$]*)=(.*)$/s.exec(word) ?? [];
  if (name === undefined)
    throw new UsageError(`--set ${word} is not allowed; give NAME=VALUE, the name as in the code.`);
  try {
    return [name, JSON.parse(text, (_, value) => held(value, name, text))];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (/^[[{"]/.test(text))
      throw new UsageError(`--set ${name}: ${text} is neither JSON nor text: ${error.message}`);
    return [name, text]; // --set lossType=ipo needs no quotes
  }
}

function held(value: unknown, name: string, text: string): unknown {
  const isTooLarge = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if (isTooLarge && !Number.isFinite(value))
    throw new UsageError(`--set ${name}: a number of ${text} is too large for a float64.`);
  if (isTooLarge && !/[.eE]/.test(text))
    throw new UsageError(
      `--set ${name}: ${text} is an integer above 2^53 − 1, which would be rounded; give it as "text".`,
    );
  return value;
}

/**
 * The notebook with a cell of constants after the one tagged `parameters`, or else after the first code cell. A cell
 * that an earlier run put in is replaced.
 * @throws UsageError where a value would change nothing: its name is not used, or a later cell or value gives it another
 */
export function withParameters(notebook: Notebook, parameters: readonly Parameter[]): Notebook {
  if (parameters.length === 0) return notebook;
  const cells = notebook.cells.filter((cell) => !hasTag(cell, INJECTED));
  const tagged = cells.findIndex((cell) => hasTag(cell, 'parameters'));
  const at = tagged >= 0 ? tagged : cells.findIndex(({ cell_type }) => cell_type === 'code');
  for (const [name] of parameters) checkUse(name, cells, at);
  const names = parameters.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--set ${twice}: it is given two values.`);
  const injected: CodeCell = {
    cell_type: 'code',
    id: INJECTED,
    metadata: { tags: [INJECTED] },
    source: parameters.map((one) => declaration(one)).join('\n'),
    execution_count: null,
    outputs: [],
  };
  return { ...notebook, cells: [...cells.slice(0, at + 1), injected, ...cells.slice(at + 1)] };
}

/** A constant, so that `lossType` keeps its literal type where later cells pass it on. */
const declaration = ([name, value]: Parameter) => `const ${name} = ${JSON.stringify(value)};`;

function checkUse(name: string, cells: readonly NotebookCell[], at: number): void {
  const word = `(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`;
  const code = cells.flatMap((cell, i) => (cell.cell_type === 'code' ? [{ ...cell, i }] : []));
  if (!code.some(({ source }) => new RegExp(word).test(source)))
    throw new UsageError(`--set ${name}: no cell of the notebook uses that name.`);
  const declares = new RegExp(`^(?:const|let|var)\\s+${word}`, 'm');
  const later = code.findIndex(({ source, i }) => i > at && declares.test(source));
  if (later >= 0)
    throw new UsageError(
      `--set ${name}: code cell ${later + 1} gives it a value afterwards. Tag that cell "parameters".`,
    );
}
