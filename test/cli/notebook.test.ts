/** `npm run notebook` as a person meets it, and the values it is given. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeNotebook,
} from '../../src/cli/notebook-file';
import { committedForm } from '../../src/cli/notebook-form';
import { parameter, withParameters } from '../../src/cli/notebook-parameters';
import { isCurrent } from '../../src/cli/notebook-seal';

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

  it('takes every type of JSON, and refuses what it would have to change', () => {
    const values = ['true', 'null', '-1.5e-4', '{"a": [1]}', '""'];
    const read = values.map((value) => parameter(`a=${value}`)[1]);
    assert.deepEqual(read, [true, null, -1.5e-4, { a: [1] }, '']);
    assert.deepEqual(parameter('a='), ['a', '']);
    assert.deepEqual(parameter('a=1 2'), ['a', '1 2']);
    assert.throws(() => parameter('a=[1, 2'), /--set a: \[1, 2 is neither JSON nor text: /);
    assert.throws(() => parameter('a=1e400'), /too large for a float64/);
    assert.throws(() => parameter('a=9007199254740993'), /2\^53 − 1, which would be rounded/);
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
    const twice = [parameter('maxSteps=1'), parameter('maxSteps=2')];
    assert.throws(() => withParameters(notebook, twice), /--set maxSteps: it is given two values/);
    assert.equal(withParameters(notebook, [parameter('maxSteps=1')]).cells.length, 5);
  });
});

type Program = ReturnType<typeof program>;

function program(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const script = join(ROOT, 'src', 'cli', 'notebook.ts');
  const options = { cwd: ROOT, env: { ...process.env, ...env } };
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], options);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      said[name] += chunk.toString();
    });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.on('close', (status, signal) => resolve(status ?? signal)),
  );
  return { child, said, ended };
}

async function outcome({ said, ended }: Program) {
  const status = await ended;
  return { status, ...said, output: said.stdout.trim().split('\n').at(-1) ?? '' };
}

const start = (args: readonly string[], env?: NodeJS.ProcessEnv) => outcome(program(args, env));

/** Resolves once `isTrue`, or when the program has ended. */
async function until(isTrue: () => boolean, { ended }: Program): Promise<void> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  while (!isTrue() && !hasEnded) await setTimeout(50);
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

/** The process whose id the file holds has ended. */
function assertGone(file: string): void {
  const id = Number(readFileSync(file, 'utf8'));
  assert.ok(id > 0);
  assert.throws(() => process.kill(id, 0), { code: 'ESRCH' });
}

describe('npm run notebook', () => {
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
fs.writeFileSync('${busy}', String(process.pid));
try { for (;;) await new Promise((resolve) => setTimeout(resolve, 20)); }
finally { fs.writeFileSync('${saved}', ''); }`;
    const path = file('long.ipynb', lesson([long, '2']));
    const output = join(folder, 'copy.ipynb');
    const running = program([path, '--output', output]);
    await until(() => existsSync(busy), running);
    for (let twice = 0; twice < 2; twice++) running.child.kill('SIGINT'); // as npm passes one press on
    const { status, stderr } = await outcome(running);
    assert.equal(status, 130, stderr);
    assert.match(stderr, /SIGINT: stopping the cell.*Stopped after /s);
    assert.ok(existsSync(saved));
    assertGone(busy);
    const [first, second] = shown(output);
    assert.match(String(first?.[1]), /^begun\n.*Interrupted/s);
    assert.deepEqual(second, [null, '']);
  });

  it('ends at the second Ctrl-C, whatever the cell does, with what was made and no kernel left', async () => {
    const mark = join(folder, 'pid');
    const deaf = `import fs from 'node:fs';
console.log('begun');
await new Promise((resolve) => setTimeout(resolve, 100));
fs.writeFileSync('${mark}', String(process.pid));
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // deaf to all, as a native call is`;
    const path = file('deaf.ipynb', lesson(['"first"', deaf, '2']));
    const output = join(folder, 'copy.ipynb');
    const running = program([path, '--output', output]);
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8') !== '', running);
    running.child.kill('SIGINT');
    await until(() => running.said.stderr.includes('the next one ends the kernel'), running);
    await setTimeout(700); // longer than what counts as one press
    assert.equal(running.child.exitCode, null, 'the cell was not deaf');
    running.child.kill('SIGINT');
    const { status, stderr } = await outcome(running);
    assert.equal(status, 130, stderr);
    assert.deepEqual(shown(output), [
      [1, "'first'"],
      [null, 'begun\n'],
      [null, ''],
    ]);
    assertGone(mark);
  });

  it('writes --in-place what is to be committed, and says what should not be', async () => {
    const path = file('seen.ipynb', lesson(['1', "console.log('in /srv/runs/seen')"]));
    const { status, stderr } = await start([path, '--in-place']);
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      /Not to be committed as it is:\nAn output of cell c1 .* path: \/srv\/runs$/m,
    );
    const notebook = readNotebook(path);
    assert.ok(isCurrent(notebook));
    assert.deepEqual(notebook, committedForm(notebook));
    assert.deepEqual(shown(path)[0], [1, '1']);
  });

  it('brings a notebook into the committed form with --format, and runs nothing', async () => {
    const { cells, ...rest } = lesson(['throw 1']);
    const metadata = { ...rest.metadata, language_info: { version: '9' } };
    const path = file('saved.ipynb', { ...rest, metadata, cells });
    const { status, output } = await start([path, '--format']);
    assert.deepEqual([status, output], [0, path]);
    assert.deepEqual(readNotebook(path), committedForm(lesson(['throw 1'])));
  });
});
