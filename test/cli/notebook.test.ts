/** `npm run notebook` as a person meets it, and the values it is given. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeNotebook,
} from '../../src/cli/notebook-file';
import { parameter, withParameters } from '../../src/cli/notebook-parameters';

const ROOT = join(__dirname, '..', '..');

/** A notebook of one heading and the given code cells, some with a tag. */
function lesson(code: readonly (string | readonly [source: string, tag: string])[]): Notebook {
  const cells: NotebookCell[] = [
    { cell_type: 'markdown', id: 'm', metadata: {}, source: '# A lesson' },
    ...code.map((cell, i) => {
      const [source, tag] = typeof cell === 'string' ? [cell] : cell;
      const metadata = tag === undefined ? {} : { tags: [tag] };
      const rest = { id: `c${i}`, metadata, source: source ?? '', execution_count: null };
      return { cell_type: 'code' as const, ...rest, outputs: [] };
    }),
  ];
  const metadata = { kernelspec: { name: 'typescript' } };
  return { nbformat: 4, nbformat_minor: 5, metadata, cells };
}

const sources = ({ cells }: Notebook) => cells.slice(1).map(({ source }) => source);

describe('parameter', () => {
  it('reads JSON as JSON and the rest as text', () => {
    assert.deepEqual(parameter('steps=3'), ['steps', 3]);
    assert.deepEqual(parameter('prompts=["a", "b"]'), ['prompts', ['a', 'b']]);
    assert.deepEqual(parameter('lossType=ipo'), ['lossType', 'ipo']);
    assert.deepEqual(parameter('rule=a=b'), ['rule', 'a=b']);
    assert.deepEqual(parameter('id="3"'), ['id', '3']);
    assert.throws(() => parameter('3=a'), {
      name: 'UsageError',
      message: /--set 3=a .*NAME=VALUE/,
    });
  });
});

describe('withParameters', () => {
  it('puts constants after the first code cell, or after the one that is tagged', () => {
    const given = [parameter('a=1'), parameter("b=it's")];
    const first = withParameters(lesson(['const a = 0, b = "";', 'a + b']), given);
    assert.deepEqual(sources(first)[1], 'const a = 1;\nconst b = "it\'s";');
    assert.deepEqual(first.cells[2]?.metadata, { tags: ['injected-parameters'] });
    const tagged = lesson([
      'import fs from "node:fs";',
      ['const a = 0, b = 0;', 'parameters'],
      'b',
    ]);
    assert.equal(
      sources(withParameters(tagged, given)).findIndex((s) => s.includes('b = "it')),
      2,
    );
  });

  it('replaces what an earlier run put in', () => {
    const once = withParameters(lesson(['let a = 0;', 'a']), [parameter('a=1')]);
    const again = withParameters(once, [parameter('a=2')]);
    assert.deepEqual(sources(again), ['let a = 0;', 'const a = 2;', 'a']);
  });

  it('refuses a value that would change nothing', () => {
    const notebook = lesson(['1', 'const steps = 4;', 'steps + maxSteps']);
    assert.throws(() => withParameters(notebook, [parameter('step=1')]), /--set step: no cell/);
    assert.throws(
      () => withParameters(notebook, [parameter('steps=1')]),
      /code cell 2 gives it .*"parameters"/,
    );
    assert.equal(withParameters(notebook, [parameter('maxSteps=1')]).cells.length, 5);
  });
});

/** Runs the program; sends SIGINT once a file `stopAt` exists. */
async function start(args: readonly string[], stopAt?: string) {
  const script = join(ROOT, 'src', 'cli', 'notebook.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { cwd: ROOT });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  let isStopped = false;
  const watch = setInterval(() => {
    if (isStopped || stopAt === undefined || !existsSync(stopAt)) return;
    isStopped = true;
    child.kill('SIGINT');
  }, 50);
  const status = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  return { status, stdout, stderr, output: stdout.trim().split('\n').at(-1) ?? '' };
}

/** What the code cells of a copy show, and the number each ran as. */
function shown(path: string) {
  const code = readNotebook(path).cells.flatMap((cell) =>
    cell.cell_type === 'code' ? [cell] : [],
  );
  return code.map(({ execution_count, outputs }) => [
    execution_count,
    outputs
      .map((output) => {
        if ('data' in output) return String(output.data['text/plain']);
        return output.output_type === 'error' ? `${output.ename}: ${output.evalue}` : output.text;
      })
      .join(''),
  ]);
}

describe('npm run notebook', function () {
  this.timeout(240_000);
  let folder = '';
  const file = (name: string, notebook: Notebook) => {
    writeNotebook(join(folder, name), notebook);
    return join(folder, name);
  };

  before(() => mkdirSync(join(ROOT, '.cache'), { recursive: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(ROOT, '.cache', 'notebook-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('runs with the values given and keeps the copy in a folder of runs', async () => {
    const steps = 'const steps = 4, loss: "dpo" | "ipo" = "dpo";';
    const use = 'const named: "dpo" | "ipo" = loss; [named, steps * 2].join(" ")';
    const path = file('01-runs.ipynb', lesson([steps, use]));
    const before = readFileSync(path, 'utf8');
    const runs = join(folder, 'runs');
    const { status, stderr, stdout, output } = await start([
      path,
      '--set',
      'steps=21',
      'loss=ipo',
      '--runs',
      runs,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /✓ A lesson/);
    const [id = ''] = readdirSync(runs);
    assert.equal(output, join(runs, id, 'runs.ipynb'));
    assert.deepEqual(shown(output).at(-1), [3, "'ipo 42'"]);
    const config = JSON.parse(readFileSync(join(runs, id, 'config.json'), 'utf8'));
    assert.equal(config.steps, 21);
    assert.equal(readFileSync(path, 'utf8'), before);
  });

  it('ends with status 1 at the first cell that fails, naming it, and overwrites only what it is told to', async () => {
    const path = file('fails.ipynb', lesson(['1', 'throw new RangeError("too far")', '2']));
    const { status, stderr } = await start([path, '--in-place']);
    assert.equal(status, 1);
    assert.match(stderr, /✗ Cell 2 of 3 failed \(A lesson\): RangeError: too far\n/);
    assert.deepEqual(shown(path), [
      [1, '1'],
      [2, 'RangeError: too far'],
      [null, ''],
    ]);
    const refused = await start([path, '--output', path]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /fails\.ipynb exists; it is not overwritten/);
  });

  it('says which cell a kernel died in', async () => {
    const path = file('dies.ipynb', lesson(['"first"', 'process.exit(3)', '2']));
    const { status, stderr } = await start([path, '--in-place']);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /✗ Cell 2 of 3 failed \(A lesson\): KernelDied: The kernel's process ended/,
    );
    assert.deepEqual(shown(path)[0], [1, "'first'"]);
  });

  it('stops the cell at Ctrl-C, lets it save, and keeps what was made', async () => {
    const [busy, saved] = [join(folder, 'busy'), join(folder, 'saved')];
    const long = `import fs from 'node:fs';
console.log('begun');
fs.writeFileSync('${busy}', '');
try { for (;;) await new Promise((resolve) => setTimeout(resolve, 20)); }
finally { fs.writeFileSync('${saved}', ''); }`;
    const path = file('long.ipynb', lesson([long, '2']));
    const output = join(folder, 'copy.ipynb');
    const { status, stderr } = await start([path, '--output', output], busy);
    assert.equal(status, 130, stderr);
    assert.match(stderr, /SIGINT: stopping the cell.*Stopped after /s);
    assert.ok(existsSync(saved));
    const [first, second] = shown(output);
    assert.match(String(first?.[1]), /^begun\n.*Interrupted/s);
    assert.deepEqual(second, [null, '']);
  });
});
