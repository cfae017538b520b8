/** The kernel as a notebook sees it: a process that answers Jupyter's messages. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KernelClient, startKernel } from '../../../kernels/typescript/client';

type Json = { readonly [key: string]: unknown };

const ROOT = join(__dirname, '..', '..', '..');

describe('the TypeScript kernel', () => {
  let folder = '';
  let kernel: KernelClient;

  before(async () => {
    // Two folders below the root, with a library of its own, as a notebook beside `src` has one.
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache', 'kernel-test-'));
    mkdirSync(join(folder, 'library', 'inner'), { recursive: true });
    mkdirSync(join(folder, 'lessons'));
    const write = (name: string, text: string) =>
      writeFileSync(join(folder, 'library', name), text);
    write('index.ts', "export { double, fail } from './numbers';\nexport * from './inner';\n");
    write(
      'numbers.ts',
      [
        'interface Limits { readonly largest: number }',
        '',
        'const limits: Limits = { largest: 10 };',
        'export const double = (x: number): number => 2 * x;',
        'export function fail(x: number): number {',
        '  if (x > limits.largest) throw new RangeError(`too large: $' + '{x}`);',
        '  return x;',
        '}',
      ].join('\n'),
    );
    write(join('inner', 'index.ts'), "export const inner = 'from a folder';\n");
    kernel = await startKernel({ folder: join(folder, 'lessons') });
  });

  after(async () => {
    await kernel?.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = async (code: string, stopOnError = true) => {
    const messages: { type: string; content: Json }[] = [];
    const onMessage = (type: string, content: Json) => messages.push({ type, content });
    const reply = await kernel.execute(code, { onMessage, stopOnError });
    return { reply, messages, of: (type: string) => messages.filter((m) => m.type === type) };
  };
  const plain = (traceback: unknown) => {
    assert.ok(Array.isArray(traceback));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal start with one
    return traceback.join('\n').replace(/\u001b\[\d+m/g, '');
  };

  it('says what it is', async () => {
    const info = await kernel.request('kernel_info_request');
    const language = info.language_info as Json;
    assert.equal(language.name, 'typescript');
    assert.equal(language.file_extension, '.ts');
    assert.match(String(language.version), /^5\.0\.\d+$/);
    assert.equal(info.protocol_version, '5.4');
  });

  it('counts cells, repeats the code, and returns the last value', async () => {
    const first = await run('const a: number = 20;');
    const second = await run('a + 1');
    assert.equal(first.of('execute_result').length, 0);
    const [input] = second.of('execute_input');
    const [result] = second.of('execute_result');
    assert.equal(input?.content.code, 'a + 1');
    assert.equal(input?.content.execution_count, Number(first.reply.execution_count) + 1);
    assert.deepEqual(result?.content.data, { 'text/plain': '21' });
    assert.equal(second.reply.status, 'ok');
  });

  it('refuses a type error at its line, and runs nothing of the cell', async () => {
    const { reply } = await run('console.log("ran");\n\nconst s: string = a;');
    assert.equal(reply.ename, 'TypeScriptError');
    assert.match(String(reply.evalue), /:3:7 Type 'number' is not assignable to type 'string'/);
    assert.match(plain(reply.traceback), /> 3 \| const s: string = a;\n +\| {7}\^/);
  });

  it('is strict about types', async () => {
    const { reply } = await run('const size = (text?: string) => text.length;');
    assert.match(String(reply.evalue), /'text' is possibly 'undefined'/);
  });

  it('names the TypeScript line of an error, across cells, without frames of its own', async () => {
    await run(
      'interface Box { size: number }\n\nfunction open(box: Box): number {\n  if (box.size < 0) throw new RangeError("empty");\n  return box.size;\n}\nopen({ size: 1 })',
    );
    const { reply, of } = await run('const sizes = [1, -1];\nsizes.map((size) => open({ size }))');
    assert.equal(reply.ename, 'RangeError');
    assert.equal(reply.evalue, 'empty');
    const text = plain(reply.traceback);
    assert.match(text, /> 4 \| {3}if \(box\.size < 0\) throw/);
    const count = Number(reply.execution_count);
    assert.match(
      text,
      new RegExp(`at open \\(cell ${count - 1}:4:\\d+\\)\n.*cell ${count}:2:\\d+`),
    );
    assert.doesNotMatch(text, /node:|node_modules|kernels\/typescript/);
    assert.deepEqual(of('error')[0]?.content.ename, 'RangeError');
  });

  it('imports TypeScript relative to the notebook, folders included, and names its lines', async () => {
    const { reply } = await run("import { double, fail, inner } from '../library';");
    assert.equal(reply.status, 'ok', plain(reply.traceback ?? []));
    const [result] = (await run('[double(4), inner]')).of('execute_result');
    assert.deepEqual(result?.content.data, { 'text/plain': "[ 8, 'from a folder' ]" });
    const failed = await run('fail(11)');
    assert.match(plain(failed.reply.traceback), /> 6 \| .*too large.*/);
    assert.match(plain(failed.reply.traceback), /at fail \(.*library\/numbers\.ts:6:33\)/);
  });

  it('runs what is in a source now, after an edit below the one imported', async () => {
    const file = join(folder, 'library', 'inner', 'index.ts');
    writeFileSync(file, "export const inner = 'edited meanwhile';\n");
    const [result] = (await run("import { inner as now } from '../library';\nnow")).of(
      'execute_result',
    );
    assert.deepEqual(result?.content.data, { 'text/plain': "'edited meanwhile'" });
  });

  it('refuses a type error in an imported source, with the file and line', async () => {
    writeFileSync(
      join(folder, 'library', 'wrong.ts'),
      'export const x = 1;\nconst y: string = x;\n',
    );
    const { reply } = await run("import { x } from '../library/wrong';\nx");
    assert.match(String(reply.evalue), /library\/wrong\.ts:2:7 Type 'number' is not assignable/);
    writeFileSync(join(folder, 'library', 'wrong.ts'), 'export const x = 1;\n');
    const [result] = (await run("import { x } from '../library/wrong';\nx")).of('execute_result');
    assert.deepEqual(result?.content.data, { 'text/plain': '1' });
  });

  it('finds a file that did not exist when it was first imported', async () => {
    const code = "import { late } from '../library/late';\nlate";
    assert.match(String((await run(code)).reply.evalue), /Cannot find module/);
    writeFileSync(join(folder, 'library', 'late.ts'), 'export const late = true;\n');
    assert.deepEqual((await run(code)).of('execute_result')[0]?.content.data, {
      'text/plain': 'true',
    });
  });

  it('shows a value by its own MIME bundle, also one that takes time', async () => {
    const bundle = "{ 'image/png': 'iVBO', 'text/plain': 'a picture' }";
    const { of } = await run(`({ [Symbol.for('Jupyter.display')]: async () => (${bundle}) })`);
    assert.deepEqual(of('execute_result')[0]?.content.data, {
      'image/png': 'iVBO',
      'text/plain': 'a picture',
    });
  });

  it('displays, updates and clears in the order of the calls', async () => {
    const find = "const page = (globalThis as any)[Symbol.for('diffusion-dpo.notebook')];";
    const { messages } = await run(
      `${find}\nconsole.log('one');\npage.display({ 'text/plain': 'two' }, { displayId: 'd' });\npage.update('d', { 'text/plain': 'three' });\nconsole.error('four');\npage.clear('next');`,
    );
    const types = messages.map(({ type }) => type).slice(1);
    const expected = ['stream', 'display_data', 'update_display_data', 'stream', 'clear_output'];
    assert.deepEqual(types, expected);
    assert.deepEqual(messages[2]?.content.transient, { display_id: 'd' });
  });

  it('awaits at the top level, loops included', async () => {
    const loop = 'async function* three() { yield 1; yield 2; yield 3; }\nlet sum = 0;\n';
    const { of, reply } = await run(`${loop}for await (const n of three()) sum += n;\nsum`);
    assert.equal(reply.status, 'ok', plain(reply.traceback ?? []));
    assert.deepEqual(of('execute_result')[0]?.content.data, { 'text/plain': '6' });
  });

  it('neither hangs nor loses a line of 100,000', async () => {
    const { of, reply } = await run('for (let i = 0; i < 100_000; i++) console.log("line " + i);');
    const text = of('stream')
      .map(({ content }) => content.text)
      .join('');
    assert.equal(reply.status, 'ok');
    assert.equal(text, Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join(''));
    assert.ok(of('stream').length < 100, `${of('stream').length} messages`);
  });

  it('aborts what is queued behind a failing cell, and runs what comes after', async () => {
    const [failed, behind] = await Promise.all([run('throw new Error("stop")'), run('"never"')]);
    assert.equal(failed.reply.status, 'error');
    assert.deepEqual(behind.reply, { status: 'aborted' });
    assert.equal((await run('"again"')).reply.status, 'ok');
  });

  it('goes on with the queue where the client does not stop on errors', async () => {
    const [failed, behind] = await Promise.all([
      run('throw new Error("go on")', false),
      run('"still"', false),
    ]);
    assert.equal(failed.reply.status, 'error');
    assert.equal(behind.reply.status, 'ok');
  });

  it('reports what was thrown when it is no Error, and the cause when there is one', async () => {
    assert.equal((await run('throw { code: 7 }')).reply.evalue, '{ code: 7 }');
    const nested = "throw new Error('outer', { cause: new TypeError('inner') })";
    assert.match(
      plain((await run(nested)).reply.traceback),
      /outer[\s\S]*caused by TypeError: inner/,
    );
  });

  it('survives a rejection that nobody awaits, and shows it under its cell', async () => {
    await run('void Promise.reject(new Error("forgotten"));');
    const { of } = await run('await new Promise((resolve) => setTimeout(resolve, 80)); "alive"');
    assert.deepEqual(of('execute_result')[0]?.content.data, { 'text/plain': "'alive'" });
  });

  it('completes, explains, and knows an unfinished cell', async () => {
    const completed = await kernel.request('complete_request', { code: 'doub', cursor_pos: 4 });
    assert.ok((completed.matches as string[]).includes('double'));
    const inspected = await kernel.request('inspect_request', { code: 'double', cursor_pos: 2 });
    assert.match(String((inspected.data as Json)['text/plain']), /\(x: number\) => number/);
    const open = await kernel.request('is_complete_request', { code: 'if (true) {' });
    assert.equal(open.status, 'incomplete');
    const closed = await kernel.request('is_complete_request', { code: '1 + 1' });
    assert.equal(closed.status, 'complete');
  });

  it('answers what it does not offer', async () => {
    assert.deepEqual(await kernel.request('comm_info_request'), { status: 'ok', comms: {} });
    assert.equal((await kernel.request('history_request')).status, 'ok');
  });

  it('answers questions while a cell is waiting', async () => {
    const waiting = run('await new Promise((resolve) => setTimeout(resolve, 400)); "late"');
    const order: string[] = [];
    await Promise.all([
      waiting.then(() => order.push('cell')),
      kernel.request('kernel_info_request').then(() => order.push('question')),
    ]);
    assert.deepEqual(order, ['question', 'cell']);
  });

  it('is gone when asked, in the middle of a cell that never ends', async () => {
    const other = await startKernel({ folder });
    const busy = other.execute('for (;;);').catch((error: Error) => error.name);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await other.shutdown();
    assert.equal(await busy, 'KernelDied');
    assert.throws(() => process.kill(other.pid, 0), /ESRCH/);
  });

  it('shows again what a cell has shown, under the cell that asks', async () => {
    const shows = `console.log('seen by nobody');
require('tslab').display.html('<b>neither</b>');
6 * 7`;
    const { reply } = await run(shows);
    const again = await run(`outputs(${reply.execution_count})`);
    assert.equal(again.of('stream')[0]?.content.text, 'seen by nobody\n');
    const data = again.of('display_data').map(({ content }) => content.data as Json);
    assert.deepEqual(
      data.map((forms) => forms['text/html'] ?? forms['text/plain']),
      ['<b>neither</b>', '42'],
    );
    assert.equal(again.of('execute_result').length, 0);
    const none = await run('outputs(9999)');
    assert.match(
      String(none.of('stream')[0]?.content.text),
      /^No output of cell \[9999\] is kept; there is that of \[/,
    );
    assert.match(
      String((await run("outputs('3')")).reply.evalue),
      /not assignable to parameter of type 'number'/,
    );
  });
});
