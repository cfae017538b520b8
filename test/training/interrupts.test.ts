import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type SignalSource, watchInterrupts } from '../../src/training/interrupts';

const listeners = (source: EventEmitter) =>
  source.listenerCount('SIGINT') + source.listenerCount('SIGTERM');

function watch(samePressMs = 500) {
  const source = new EventEmitter();
  const told: string[] = [];
  const onInterrupt = (name: string) => told.push(name);
  const interrupts = watchInterrupts({
    onInterrupt,
    samePressMs,
    source: source as unknown as SignalSource,
  });
  return { source, told, ...interrupts };
}

describe('watchInterrupts', () => {
  for (const name of ['SIGINT', 'SIGTERM'])
    it(`aborts at ${name}, and tells so once`, () => {
      const { source, told, signal, dispose } = watch();
      assert.equal(signal.aborted, false);
      source.emit(name, name);
      source.emit('SIGINT', 'SIGINT'); // npm's copy of the same key press
      assert.deepEqual([signal.aborted, signal.reason, told], [true, name, [name]]);
      dispose();
      assert.equal(listeners(source), 0);
    });

  it('hands signals back to the system when the first key press is over', async () => {
    const { source } = watch(20);
    assert.equal(listeners(source), 2);
    await setTimeout(60);
    assert.equal(listeners(source), 2); // not before a signal came
    source.emit('SIGINT', 'SIGINT');
    assert.equal(listeners(source), 2);
    await setTimeout(60);
    assert.equal(listeners(source), 0);
  });

  it('leaves no listener behind when the run ends by itself', () => {
    const before = process.listenerCount('SIGINT');
    const { dispose } = watchInterrupts();
    assert.equal(process.listenerCount('SIGINT'), before + 1);
    dispose();
    assert.equal(process.listenerCount('SIGINT'), before);
  });
});

describe('a process that is interrupted', () => {
  let child: ChildProcessWithoutNullStreams;
  let output = '';

  function start(then: string): void {
    const script = join(__dirname, 'interrupted-child.ts');
    output = '';
    child = spawn(process.execPath, ['--import', 'tsx', script, then]);
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }

  async function said(text: string): Promise<void> {
    while (!output.includes(text)) {
      assert.equal(child.exitCode, null, `ended before it said "${text}": ${output}`);
      await setTimeout(5);
    }
  }

  afterEach(() => child.kill('SIGKILL'));

  it('saves and ends by itself after the first signal, even if it comes twice', async () => {
    start('save');
    await said('ready');
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await said('got SIGINT');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(output, 'ready\ngot SIGINT\nsaved\n');
  });

  it('ends at once at the second, in the middle of a computation', async () => {
    start('compute');
    await said('ready');
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await said('busy');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [null, 'SIGINT']);
    assert.equal(output, 'ready\ngot SIGTERM\nbusy\n');
  });
});
