/** `npm start` as a person meets it: what it prints, what it keeps, how it stops. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type NotebookCell, readNotebook, writeNotebook } from '../../src/cli/notebook-file';

const ROOT = join(__dirname, '..', '..');

/** A notebook of one heading and the given code cells. */
function lesson(path: string, code: readonly string[]): string {
  const cells: NotebookCell[] = [
    { cell_type: 'markdown', id: 'm', metadata: {}, source: '# A lesson' },
    ...code.map((source, i) => ({
      cell_type: 'code' as const,
      ...{ id: `c${i}`, metadata: {}, source, execution_count: null, outputs: [] },
    })),
  ];
  const metadata = { kernelspec: { name: 'typescript' } };
  writeNotebook(path, { nbformat: 4, nbformat_minor: 5, metadata, cells });
  return path;
}

/** Runs it, and sends SIGINT once a file `stopAt` exists. */
async function start(notebook: string, runs: string, stopAt?: string) {
  const script = join(ROOT, 'src', 'cli', 'start.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, notebook, runs], { cwd: ROOT });
  let text = '';
  let stopped = 0;
  const hear = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const watch = setInterval(() => {
    if (stopAt === undefined || stopped > 0 || !existsSync(stopAt)) return;
    stopped = Date.now();
    child.kill('SIGINT');
  }, 50);
  const limit = setTimeout(() => child.kill('SIGTERM'), 180_000);
  const status = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  clearTimeout(limit);
  const [id = ''] = readdirSync(runs);
  return { text, status, folder: join(runs, id), seconds: (Date.now() - stopped) / 1000 };
}

describe('npm start', () => {
  let folder = '';

  before(() => mkdirSync(join(ROOT, '.cache'), { recursive: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(ROOT, '.cache', 'start-test-'));
    mkdirSync(join(folder, 'runs'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('prints what the last cell shows, and where the report is', async () => {
    const path = lesson(join(folder, '03-a-lesson.ipynb'), ['const a = 20;', 'console.log(a + 1)']);
    const { text, status, folder: run } = await start(path, join(folder, 'runs'));
    assert.equal(status, 0, text);
    assert.match(text, /✓ A lesson/);
    assert.match(text, /\n21\n\nReport, with all pictures: .*report\.html/);
    assert.match(text, /npm run lab/);
    assert.match(run, /-a-lesson$/);
    assert.match(readFileSync(join(run, 'report.html'), 'utf8'), /<pre class="stdout">21\n<\/pre>/);
    const [, first, second] = readNotebook(join(run, 'a-lesson.ipynb')).cells;
    assert.ok(first?.cell_type === 'code' && second?.cell_type === 'code');
    assert.deepEqual([first.execution_count, second.execution_count], [1, 2]);
  });

  it('ends with status 1 and the error where a cell fails, and keeps the report', async () => {
    const path = lesson(join(folder, 'fails.ipynb'), ['1', 'throw new RangeError("too far")', '2']);
    const { text, status, folder: run } = await start(path, join(folder, 'runs'));
    assert.equal(status, 1);
    assert.match(text, /✗ Cell 2 of 3 failed \(A lesson\)/);
    assert.match(text, /RangeError.*: too far/);
    assert.match(
      readFileSync(join(run, 'report.html'), 'utf8'),
      /class="error">RangeError: too far/,
    );
  });

  it('stops soon after Ctrl-C and says what was kept', async () => {
    const mark = join(folder, 'busy');
    const busy = `import fs from 'node:fs';\nfs.writeFileSync('${mark}', '');\nfor (;;) Math.sqrt(2);`;
    const path = lesson(join(folder, 'long.ipynb'), ['"first"', busy]);
    const { text, status, folder: run, seconds } = await start(path, join(folder, 'runs'), mark);
    assert.equal(status, 130, text);
    assert.ok(seconds < 20, `${seconds} s, on a machine that does other things too`);
    assert.match(
      text,
      /Stopped after .*Kept in .*-long:\n {2}config\.json, long\.ipynb, report\.html/s,
    );
    const [, first] = readNotebook(join(run, 'long.ipynb')).cells;
    assert.ok(first?.cell_type === 'code' && first.outputs.length === 1);
  });

  it('says so when there is no such notebook', async () => {
    const { text, status } = await start(join(folder, 'none.ipynb'), join(folder, 'runs'));
    assert.equal(status, 1);
    assert.match(text, /There is no notebook .*none\.ipynb/);
  });
});
