/** Our runner beside Jupyter's own client: the same outputs and the same counts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installKernel } from '../../src/cli/kernel-spec';
import {
  type CodeCell,
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeNotebook,
} from '../../src/cli/notebook-file';
import { notebookText } from '../../src/cli/notebook-text';
import { runNotebook } from '../../src/cli/run-notebook';
import { codeCells, ROOT, runHere, runInJupyter, small, timeless } from './runners';

/** Code cells that cause every message a kernel may send for one, some with a tag. */
const EVERY_MESSAGE: readonly (readonly [source: string, tag?: string])[] = [
  ["const page = Reflect.get(globalThis, Symbol.for('diffusion-dpo.notebook'));"],
  [
    `for (const step of [1, 2, 30]) {
  process.stdout.write(\`\\rstep \${step}\`);
  await new Promise((resolve) => setTimeout(resolve, 120)); // a message of its own for each
}
console.log('\\rdone\\nkept\\r');
console.error('a warning');
console.log('after it');`,
  ],
  [
    `page.display({ 'text/plain': 'before' }, { displayId: 'live' });
page.display({ 'text/plain': 'one\\nof its own', 'image/png': 'iVBORw0K', 'image/svg+xml': '<svg>\\n</svg>' });
page.update('live', { 'text/plain': 'at once' }, { step: 1 });
page.update('nobody', { 'text/plain': 'lost' });`,
  ],
  [
    `page.update('live', { 'text/plain': 'from another cell' }, { step: 2 });
page.display({ 'text/plain': 'again' }, { displayId: 'live', metadata: { step: 3 } });`,
  ],
  ["console.log('old'); page.clear('next'); console.log('new'); page.clear('next');"],
  ["console.log('old'); page.clear('now'); console.log('new');"],
  ["({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>\\u2028\\n</b>' }) })"],
  [
    "page.display({ 'application/vnd.x+json': { y: [1e-7, 2.5e-5, 0.1 + 0.2, 1e21, -0, 3], é: null } });",
  ],
  [''],
  ['let n = 6; n * 7'],
  ["n = 0; throw new RangeError('allowed')", 'raises-exception'],
  ["n = 1; throw new RangeError('never run')", 'skip-execution'],
  ["console.log(n); throw new TypeError('the end')"],
  ["'after the end'"],
];

function lesson(): Notebook {
  const code = EVERY_MESSAGE.map(([source, tag], i): CodeCell => {
    const metadata = tag === undefined ? {} : { tags: [tag] };
    const rest = { id: `c${i}`, metadata, source, execution_count: null };
    return { cell_type: 'code', ...rest, outputs: [] };
  });
  const cells: NotebookCell[] = [
    { cell_type: 'markdown', id: 'm', metadata: {}, source: '# Every message' },
    { cell_type: 'raw', id: 'r', metadata: {}, source: 'kept' },
    ...code,
  ];
  const kernelspec = { name: 'typescript', display_name: 'TypeScript' };
  return { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells };
}

const of = (notebook: Notebook, cell: number) => codeCells(notebook)[cell]?.outputs ?? [];

describe('runNotebook and nbclient', () => {
  let folder = '';

  before(() => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache', 'runners-test-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('keep the same of every message', async () => {
    const path = join(folder, 'every-message.ipynb');
    writeNotebook(path, lesson());
    await installKernel(folder); // and Jupyter finds it there
    const [{ status, failure, notebook }, copy] = await Promise.all([
      runNotebook(path, readNotebook(path)),
      runInJupyter(path, folder, { JUPYTER_PATH: '', JUPYTER_DATA_DIR: folder }),
    ]);
    assert.equal(timeless(notebook), timeless(readNotebook(copy)));
    assert.equal(notebookText(readNotebook(copy)), readFileSync(copy, 'utf8'));

    assert.equal(status, 'failed');
    assert.equal(failure?.place.number, 13);
    const texts = [1, 2, 3, 4, 5].map((cell) =>
      of(notebook, cell).map((output) =>
        'data' in output ? output.data['text/plain'] : 'text' in output && output.text,
      ),
    );
    assert.deepEqual(texts, [
      ['done\nkept\r\n', 'a warning\n', 'after it\n'],
      ['again', 'one\nof its own'],
      ['again'],
      ['new\n'],
      ['new\n'],
    ]);
    const counts = codeCells(notebook).map((cell) => cell.execution_count);
    assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, null, 9, 10, null, 11, null]);
    const last = of(notebook, 12).at(-1);
    assert.ok(last?.output_type === 'error' && last.ename === 'TypeError');
  });

  it('show the same of 02-the-loss-step-by-step, and every check holds', async () => {
    const path = join(ROOT, 'notebooks', '02-the-loss-step-by-step.ipynb');
    const env = small(folder);
    const [here, copy] = await Promise.all([runHere(path, env), runInJupyter(path, folder, env)]);
    assert.equal(timeless(here), timeless(readNotebook(copy)));
    assert.ok(timeless(here).split('✓').length > 15);
    assert.match(timeless(here), /loss, flipped: 1\.220095/);
  });
});
