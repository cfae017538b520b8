/** What the kernel knows of the code in cells: types, names, help, sources that change, tensors that stay. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type KernelClient, startKernel } from '../../../kernels/typescript/client';

type Json = { readonly [key: string]: unknown };

const ROOT = join(__dirname, '..', '..', '..');
const SCALE = `/** Multiplies by a factor. \`x\`: [B, H, W, C]; returns [B, H, W, C]. */
export const scale = (x: number): number => FACTOR * x;
const FACTOR = 2;
export class Box {
  constructor(readonly content: number) {}
}
`;

describe('the kernel’s language', () => {
  let folder = '';
  let kernel: KernelClient;
  const write = (name: string, text: string) => writeFileSync(join(folder, 'library', name), text);

  before(async () => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache', 'language-test-'));
    for (const name of ['library', 'lessons', 'lessons/deep'])
      mkdirSync(join(folder, name), { recursive: true });
    write(
      'index.ts',
      "export * from './scale';\nexport { twice } from './twice';\nexport * from './tin';\n",
    );
    write('scale.ts', SCALE);
    write('tin.ts', 'export class Tin {\n  size = 1;\n}\n'); // uses none of the others
    write(
      'twice.ts',
      "import { scale } from './scale';\nexport const twice = (x: number) => scale(scale(x));\n",
    );
    kernel = await startKernel({ folder: join(folder, 'lessons/deep') });
  });

  after(async () => {
    await kernel?.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = async (code: string) => {
    const messages: { type: string; content: Json }[] = [];
    const onMessage = (type: string, content: Json) => messages.push({ type, content });
    const reply = await kernel.execute(code, { onMessage });
    const plain = (type: string) =>
      messages
        .filter((message) => message.type === type)
        .map(({ content }) => (content.data as Json)['text/plain']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal start with one
    const traceback = String(reply.traceback).replace(/\u001b\[\d+m/g, '');
    return { reply, traceback, result: plain('execute_result')[0], notes: plain('display_data') };
  };
  const ask = async (what: 'complete' | 'inspect', code: string, position = code.length) =>
    kernel.request(`${what}_request`, { code, cursor_pos: position });
  const hover = async (code: string) =>
    String(((await ask('inspect', code, 1)).data as Json)['text/plain']);

  it('keeps what a failed cell has set, and says what to do for the rest', async () => {
    await run("const model: string = 'trained';");
    const failed = await run(
      "let step = 0;\nfor (; step < 3; step++);\nif (step) throw new Error('stop');\nconst model = 5;\nconst late = 1;",
    );
    const kept = 'set before it failed: `step`; as before this cell: `model`; not set: `late`';
    assert.ok(failed.traceback.endsWith(kept), failed.traceback);
    assert.equal(
      (await run('const n: number = step; const m: string = model; [n, m]')).result,
      "[ 3, 'trained' ]",
    );
    const { reply, traceback } = await run('late + 1');
    assert.equal(reply.ename, 'TypeScriptError');
    assert.match(traceback, /declares it failed before `late` was set: run that cell again/);
    await run('const late = 2;');
    assert.equal((await run('late')).result, '2');
  });

  it('keeps what an interrupted cell has set', async () => {
    const code = "let turns = 0;\nconsole.log('begun');\nfor (;;) turns++;";
    const onMessage = (type: string) => {
      if (type === 'stream') void kernel.interrupt();
    };
    const reply = await kernel.execute(code, { onMessage });
    assert.equal(reply.ename, 'Interrupted');
    assert.match(String(reply.traceback), /set before it failed: `turns`/);
    assert.equal((await run('const more: number = turns + 1;\nturns > 0')).result, 'true');
  });

  it('reads in a cell what an earlier one set, while the name is given anew', async () => {
    await run('let count = 1;\nfunction next() { return count + 1; }');
    assert.equal((await run('const count = next();\ncount')).result, '2');
  });

  it('completes and explains while a cell keeps the main thread busy', async () => {
    const [begun, done] = [join(folder, 'begun'), join(folder, 'done')];
    const begin = `import { existsSync, writeFileSync } from 'node:fs';\nconst word = 'free';\nwriteFileSync(${JSON.stringify(begun)}, '');`;
    const wait = `while (!existsSync(${JSON.stringify(done)}));`; // lets nothing else run
    const cell = run(`${begin}\n${wait}`);
    try {
      while (!existsSync(begun)) await setTimeout(10);
      const { matches } = await ask('complete', 'word.toUpp');
      assert.deepEqual(matches, ['toUpperCase']);
      assert.match(await hover('word'), /const word: "free"/);
      const open = await kernel.request('is_complete_request', { code: 'if (word) {' });
      assert.deepEqual(open, { status: 'incomplete', indent: '  ' });
    } finally {
      writeFileSync(done, '');
    }
    assert.equal((await cell).reply.status, 'ok');
  });

  it('counts code points, as Jupyter does', async () => {
    await run("const 𝛽eta = 'x';");
    const answer = await ask('complete', "'🙂'; 𝛽eta.toUpp", 15);
    assert.deepEqual(answer.matches, ['toUpperCase']);
    assert.deepEqual([answer.cursor_start, answer.cursor_end], [10, 15]);
  });

  it('takes names that begin with two underscores', async () => {
    await run('const __hidden = 3;\nconst ___more = 4;');
    assert.equal((await run('__hidden + ___more')).result, '7');
  });

  it('imports from any depth, and shows the shapes that a docstring gives', async () => {
    const { traceback, reply } = await run("import { Box, scale } from '../../library';");
    assert.equal(reply.status, 'ok', traceback);
    const { data } = await ask('inspect', 'scale(3)', 1);
    const markdown = String((data as Json)['text/markdown']);
    assert.match(
      markdown,
      /^```typescript\n[^`]*scale\(x: number\): number[^`]*\n```\n\nMultiplies/,
    );
    assert.match(
      await hover('scale(3)'),
      /scale\(x: number\): number[\s\S]*`x`: \[B, H, W, C\]; returns \[B/,
    );
  });

  it('names the parameters of a function that frees what it allocates', async () => {
    const { traceback, reply } = await run(
      "import { scoped } from '../../../../src/engine/tensor';\nconst halved = scoped('halved', (latents: number) => latents / 2);",
    );
    assert.equal(reply.status, 'ok', traceback);
    assert.match(await hover('halved'), /halved: \(latents: number\) => number/);
  });

  it('loads all that an edit reaches, and names what is still old', async () => {
    await run(
      "import { Tin, twice } from '../../library';\nconst boxes = [new Box(1)]; const tins = [new Tin()];",
    );
    write('scale.ts', SCALE.replace('FACTOR = 2', 'FACTOR = 3'));
    const { notes, result } = await run(
      "import { scale } from '../../library';\n[scale(1), twice(1)]",
    );
    assert.equal(result, '[ 3, 9 ]');
    const [note] = notes.map(String);
    const file = join(folder, 'library').slice(ROOT.length + 1);
    assert.equal(
      note,
      `Loaded again: ${file}/scale.ts, with 2 modules built on it.\nMade by the old version, and still like it: \`boxes\` (Box). Run the cells that made them again.`,
    );
    assert.equal(
      (await run('new Box(2) instanceof Box && !(boxes[0] instanceof Box)')).result,
      'true',
    );
    assert.deepEqual((await run("import { scale } from '../../library';")).notes, []);
  });

  it('finds a source and a package that were not there when a cell asked for them first', async () => {
    const early = await run("import { late } from '../../library/late';");
    assert.match(early.traceback, /Cannot find module '..\/..\/library\/late'/);
    write('late.ts', 'export const late = 4;\n');
    const code =
      "import { late } from '../../library/late';\nimport { far } from 'far';\nlate + far";
    assert.match((await run(code)).traceback, /Cannot find module 'far'/);
    const packaged = join(folder, 'lessons/node_modules/far');
    mkdirSync(packaged, { recursive: true });
    writeFileSync(join(packaged, 'index.js'), 'exports.far = 5;\n');
    writeFileSync(join(packaged, 'index.d.ts'), 'export const far: number;\n');
    assert.equal((await run(code)).result, '9');
  });

  it('says which variables hold the tensors that a cell leaves, and what a loop loses', async () => {
    await run("import { tensor, tidy, zeros } from '../../../../src/engine';");
    const kept = await run('const noise = [zeros([250, 1000]), zeros([3])];\nnoise.length');
    assert.deepEqual(kept.notes, ['2 more tensors alive (1.0 MB), held by `noise` 2.']);
    assert.deepEqual((await run('tidy(() => zeros([5]).shape)')).notes, []);
    const loop =
      'for (let i = 0; i < 30; i++) {\n  zeros([1000]);\n  await new Promise((go) => setTimeout(go, 2));\n}';
    const lost = await run(loop);
    assert.match(
      String(lost.notes[0]),
      /^The loop whose turn ends at line \d leaks: \d\d more tensors/,
    );
    assert.equal(lost.notes[1], '30 more tensors alive (0.1 MB), 30 held by no variable.');
    assert.match(
      String((await run(loop)).notes[1]),
      /30 held by no variable \(60 in 2 runs of this cell: a leak\)/,
    );
  });

  it('does not call a loop a leak whose tensors a variable holds', async () => {
    const { notes } = await run(
      'const images = [];\nfor (let i = 0; i < 30; i++) {\n  images.push(zeros([10]));\n  await new Promise((go) => setTimeout(go, 2));\n}',
    );
    assert.deepEqual(notes, ['30 more tensors alive (0.0 MB), held by `images` 30.']);
  });

  it('shows who holds memory, and holds none itself', async () => {
    const table = String((await run('memory()')).result);
    assert.match(
      table,
      /^variable +tensors +MB +what\nnoise +2 +1\.0 +float32 \[250, 1000\], float32 \[3\]\n/,
    );
    assert.match(table, /\nno variable +60 +0\.2 /);
    assert.match(table, /\nall tensors +92 +1\.2\n/);
    await run(
      "import v8 from 'node:v8';\nimport vm from 'node:vm';\nv8.setFlagsFromString('--expose-gc');\nconst collect = vm.runInNewContext('gc') as () => void;\nlet gone: ReturnType<typeof zeros> | undefined = zeros([7]);\nconst ref = new WeakRef(gone);",
    );
    await run('gone?.dispose();\ngone = undefined;');
    assert.equal((await run('collect();\nref.deref() === undefined')).result, 'true');
  });
});
