/** What a kernel does while its cells are busy, and under which cell what they do appears. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KernelClient, startKernel } from '../../../kernels/typescript/client';

type Json = { readonly [key: string]: unknown };

/** A call that returns to JavaScript after this time, and lets nothing else run meanwhile. */
const native = (ms: number) =>
  `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`;

describe('the threads of the kernel', () => {
  let folder = '';
  let kernel: KernelClient;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dpo-threads-'));
    kernel = await startKernel({ folder });
  });
  after(async () => {
    await kernel?.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  const printed = (code: string) => {
    let text = '';
    const onMessage = (type: string, content: Json) => {
      if (type === 'stream') text += content.text;
    };
    return { reply: kernel.execute(code, { onMessage }), text: () => text };
  };
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('beat, answer and print while a native call runs', async () => {
    const order: string[] = [];
    const code = `console.log('first');\nconsole.log('last');\n${native(2500)}`;
    const cell = printed(code);
    const over = cell.reply.then(() => order.push('cell'));
    while (!cell.text().includes('last')) await wait(10); // both lines, though nothing flushed them
    await Promise.all([
      kernel.ping().then(() => order.push('heart')),
      kernel.control('kernel_info_request').then(() => order.push('control')),
      kernel.request('kernel_info_request').then(() => order.push('shell')),
      kernel.request('history_request', { hist_access_type: 'tail', n: 1 }).then(({ history }) => {
        assert.deepEqual((history as unknown[][])[0]?.[2], code);
        order.push('history');
      }),
    ]);
    await over;
    assert.equal(order.at(-1), 'cell');
    assert.equal(order.length, 5);
  });

  it('show what goes on behind under the cell that began it', async () => {
    const first = printed(
      `let calls = 0;
      const timer = setInterval(() => { calls++; console.log('timer'); }, 20);
      void (async () => { await null; throw new Error('forgotten'); })();
      setTimeout(() => { throw new Error('thrown'); }, 20);
      process.nextTick(() => console.log('tick'));`,
    );
    await first.reply;
    const later = 'await new Promise((resolve) => setTimeout(resolve, 300)); clearInterval(timer);';
    const second = printed(`${later} console.log('second');`);
    await second.reply;
    assert.equal(second.text(), 'second\n');
  });

  it('keep the order of what different cells print', async () => {
    await printed("setTimeout(() => console.log('behind'), 50);").reply;
    const cell = printed(
      'console.log(1); await new Promise((r) => setTimeout(r, 150)); console.log(2);',
    );
    await cell.reply;
    assert.equal(cell.text(), '1\n2\n');
  });

  it('end by themselves when asked, also in the middle of a native call', async () => {
    const [idle, busy] = await Promise.all([startKernel({ folder }), startKernel({ folder })]);
    await idle.execute('1');
    await idle.control('shutdown_request', { restart: true });
    assert.equal(await idle.ended, 0);
    let isIn = false;
    const onMessage = (type: string) => {
      isIn ||= type === 'stream';
    };
    const cell = busy.execute(`console.log('in');\n${native(200_000)}`, { onMessage });
    const failed = assert.rejects(cell, /process ended/);
    while (!isIn) await wait(10);
    await wait(100);
    assert.equal((await busy.control('shutdown_request', { restart: false })).status, 'ok');
    assert.equal(await busy.ended, 'killed');
    await failed;
    await Promise.all([idle.shutdown(), busy.shutdown()]);
  });
});
