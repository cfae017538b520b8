/** A cell can be stopped wherever its code is, and what was there before goes on to be of use. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KernelClient, startKernel } from '../../../kernels/typescript/client';
import { inTemporaryFolder } from '../../support/temporary';

type Json = { readonly [key: string]: unknown };

describe('a cell that is stopped', () => {
  let kernel: KernelClient;
  let end: () => void;
  before(
    () =>
      new Promise<void>((resolve, reject) => {
        const ended = new Promise<void>((close) => {
          end = close;
        });
        void inTemporaryFolder(async (folder) => {
          kernel = await startKernel({ folder });
          await value(SETUP);
          resolve();
          await ended;
          await kernel.shutdown();
        }).catch(reject);
      }),
  );
  after(() => end());

  const run = (code: string, onText: (text: string) => void = () => undefined) =>
    kernel.execute(code, {
      onMessage: (type, content) => type === 'stream' && onText(String(content.text)),
    });
  /** The last value of a cell, as text. */
  const value = async (code: string) => {
    let shown: unknown;
    const reply = await kernel.execute(code, {
      onMessage: (type, { data }) => {
        if (type === 'execute_result') shown = (data as Json)['text/plain'];
      },
    });
    assert.equal(reply.status, 'ok', String(reply.evalue));
    return shown;
  };
  /** Runs a cell, stops it when it has printed `go`, and returns its reply and all it printed. */
  const stopped = async (code: string) => {
    let text = '';
    let isStopped = false;
    const reply = await run(code, (more) => {
      text += more;
      if (isStopped || !text.includes('go')) return;
      isStopped = true;
      void kernel.interrupt();
    });
    assert.equal(reply.ename, 'Interrupted', text);
    return { reply, text };
  };
  /** That the work which counts in `turns` has ended for good. */
  const assertOver = async () => {
    const first = await value('turns');
    await sleep(300);
    assert.equal(await value('turns'), first);
    assert.ok(Number(first) > 0);
  };

  it('leaves a loop that lets nothing else run, between two turns', async () => {
    const { reply } = await stopped(
      "turns = 0;\nlet even = true;\nconsole.log('go');\nwhile (true) {\n  turns++;\n  even = turns % 2 === 0;\n}",
    );
    assert.match(String(reply.traceback), /cell \d+:\d/);
    await assertOver();
  });

  it('leaves such a loop after an await, in a callback of a timer, and among promises', async () => {
    const loop = "console.log('go'); for (;;) turns++;";
    await stopped(`turns = 0; await null; ${loop}`);
    await assertOver();
    await stopped(
      `turns = 0; setTimeout(() => { ${loop} }, 5); await new Promise(() => undefined);`,
    );
    await assertOver();
    await stopped("turns = 0; console.log('go'); for (;;) { await null; turns++; }");
    await assertOver();
  });

  it('lets a loop that lets nothing else run stop by itself where it asks its signal', async () => {
    const { text } = await stopped(
      "turns = 0;\nconsole.log('go');\nwhile (!notebook.signal.aborted) turns++;\nconsole.log('left in order');",
    );
    assert.match(text, /left in order/);
    await assertOver();
    await stopped(
      "turns = 0; console.log('go'); for (;;) { turns++; notebook.signal.throwIfAborted(); }",
    );
    await assertOver();
  });

  it('ends waits for timers, pauses and answers of a server, which then do nothing more', async () => {
    await stopped(
      "turns = 1; console.log('go'); await new Promise((r) => setTimeout(r, 60_000)); turns++;",
    );
    await assertOver();
    await stopped("turns = 0; console.log('go'); for (;;) { turns++; await pause(5); }");
    await assertOver();
    await stopped(
      "turns = 0; setInterval(() => { turns++; }, 5); console.log('go'); await new Promise(() => undefined);",
    );
    await assertOver();
    const { text } = await stopped(
      `turns = 1;
      const server = createServer(() => undefined).listen(0);
      try {
        console.log('go');
        await fetch('http://127.0.0.1:' + (server.address() as AddressInfo).port);
      } finally {
        console.log('closed');
        server.close();
      }`,
    );
    assert.match(text, /closed/); // the fetch was rejected, so the cell unwound
  });

  it('lets a library finish what it is in the middle of: a request that is being made ends as one that waits', async () => {
    const { text } = await stopped(
      `turns = 1;
      const making = () => {
        console.log('go');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500); // the stop comes now
        setTimeout(() => turns++, 1);
      };
      subscribe('undici:request:create', making);
      const silent = createServer(() => undefined).listen(0);
      try {
        await fetch('http://127.0.0.1:' + (silent.address() as AddressInfo).port);
      } finally {
        console.log('closed');
        unsubscribe('undici:request:create', making);
        silent.close();
      }`,
    );
    assert.match(text, /closed/);
    assert.doesNotMatch(text, /failed/);
    await assertOver();
  });

  it('gives a loop that waits the end of its turn', async () => {
    const { text } = await stopped(
      `async function* numbers() {
        try { for (let i = 0; ; i++) { await new Promise((r) => setImmediate(r)); yield i; } }
        finally { await pause2(20); console.log('saved'); }
      }
      turns = 0;
      for await (const i of numbers()) { turns = i + 1; if (i === 3) console.log('go'); }`,
    );
    assert.match(text, /saved/);
    await assertOver();
  });

  it('is left at the second time, in code that heeds nothing, whose output stays its own', async () => {
    let text = '';
    const cell = run('console.log("go"); await deaf(() => turns++); "never"', (more) => {
      text += more;
    });
    while (!text.includes('go')) await sleep(20);
    await kernel.interrupt();
    await sleep(300);
    await kernel.interrupt();
    assert.equal((await cell).ename, 'Interrupted');
    assert.match(text, /was left while its code went on/);
    assert.equal(await value('1 + 1'), '2');
    await value('hearing = true');
  });

  it('keeps earlier names, does not run what is queued behind, and runs what comes after', async () => {
    const cells = [stopped("console.log('go'); for (;;) turns++;"), run('turns = -1')] as const;
    const [, behind] = await Promise.all(cells);
    assert.deepEqual(behind, { status: 'aborted' });
    assert.notEqual(await value('turns'), '-1');
  });

  it('is the one that runs: an interrupt between cells stops none', async () => {
    await kernel.control('interrupt_request');
    assert.equal(await value('let sum = 0; for (let i = 0; i < 10; i++) sum += i; sum'), '45');
  });
});

const SETUP = `
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { setTimeout as pause2 } from 'timers/promises';
import vm from 'node:vm';
const notebook: { signal: AbortSignal } = (globalThis as any)[Symbol.for('diffusion-dpo.notebook')];
let turns = 0;
let hearing = false;
(globalThis as any).heard = () => hearing;
const deaf: (f: () => void) => Promise<void> = vm.runInThisContext(
  '(async (f) => { while (!heard()) { f(); await new Promise((r) => queueMicrotask(r)); await new Promise((r) => process.nextTick(r)); await new Promise((r) => { const { port1, port2 } = new MessageChannel(); port2.onmessage = () => { port1.close(); r(); }; port1.postMessage(0); }); } })',
);
`;
