import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import {
  PipeReader,
  type PipeRecord,
  PipeWriter,
  pipeMemory,
} from '../../../kernels/typescript/shared-pipe';

const CAPACITY = 1 << 16;

describe('PipeWriter and PipeReader', () => {
  const open = (givesUp?: () => boolean) => {
    const memory = pipeMemory(CAPACITY);
    let rings = 0;
    const ring = () => {
      rings++;
    };
    const writer = new PipeWriter(memory, { ring, ...(givesUp ? { givesUp } : {}) });
    const reader = new PipeReader(memory);
    const readAll = () => {
      const records: PipeRecord[] = [];
      for (let record = reader.read(); record; record = reader.read()) records.push(record);
      return records.map(({ kind, owner, payload }) => [kind, owner, payload.toString()]);
    };
    return { memory, writer, reader, readAll, rings: () => rings };
  };

  it('pass on text and messages in order, each with its owner, many times round the ring', () => {
    const { writer, readAll } = open();
    for (let round = 0; round < 40; round++) {
      const line = `${round} π ${'x'.repeat(997 * (round % 7))}\n`;
      writer.print('stdout', round, line);
      writer.send(7, `message ${line}`);
      writer.print('stderr', 2 ** 32 - 1, '');
      assert.deepEqual(readAll(), [
        ['stdout', round, line],
        ['message', 7, `message ${line}`],
        ['stderr', 2 ** 32 - 1, ''],
      ]);
    }
  });

  it('give back a long message as one, and long text in parts of whole characters', () => {
    const { writer, readAll } = open();
    const long = `${'x'.repeat(9_999)}😀${'ä'.repeat(12_000)}`; // a pair of surrogates where a part would end
    writer.send(1, long);
    assert.deepEqual(readAll(), [['message', 1, long]]);
    writer.print('stdout', 1, long);
    const parts = readAll();
    assert.ok(parts.length > 1);
    assert.equal(parts.map(([, , text]) => text).join(''), long);
  });

  it('leave bytes as they are, also half characters', () => {
    const { writer, reader } = open();
    const bytes = Buffer.from('€');
    writer.printBytes('stdout', 3, bytes.subarray(0, 2));
    assert.deepEqual(reader.read()?.payload, bytes.subarray(0, 2));
  });

  it('drop the rest of a message that was broken off, and nothing after it', () => {
    const memory = pipeMemory(CAPACITY);
    let isBroken = true;
    const ring = () => {
      if (isBroken) throw new Error('broken off'); // where the writer finds no room for the next part
    };
    const writer = new PipeWriter(memory, { ring });
    const reader = new PipeReader(memory);
    reader.listen();
    assert.throws(() => writer.send(1, 'y'.repeat(3 * CAPACITY)), /broken off/);
    isBroken = false;
    assert.equal(reader.read(), undefined);
    writer.send(1, 'short');
    writer.send(2, 'z'.repeat(20_000));
    assert.deepEqual([reader.read()?.payload.length, reader.read()?.payload.length], [5, 20_000]);
  });

  it('lose no message where printed text is given up', () => {
    const { writer, readAll } = open(() => true);
    const text = 'x'.repeat(9_000);
    for (let i = 0; i < 10; i++) writer.print('stdout', 1, text);
    assert.equal(readAll().length, 7); // 7 · 9,009 bytes of 65,536
    writer.send(1, 'there');
    assert.deepEqual(readAll(), [['message', 1, 'there']]);
  });

  it('ring once for text when asked to, and for every message', () => {
    const { writer, reader, rings } = open();
    writer.print('stdout', 1, 'a');
    assert.equal(rings(), 0);
    reader.listen();
    writer.print('stdout', 1, 'b');
    writer.print('stdout', 1, 'c');
    assert.equal(rings(), 1);
    writer.send(1, 'd');
    writer.send(1, 'e');
    assert.equal(rings(), 3);
  });

  it('hold a writer back until there is room, and lose nothing', async () => {
    const memory = pipeMemory(CAPACITY);
    const file = require.resolve('../../../kernels/typescript/shared-pipe');
    const register = require.resolve('../../../kernels/typescript/register.cjs');
    const lines = 20_000; // five times what the pipe holds
    const worker = new Worker(
      `require(${JSON.stringify(register)}).registerTypeScript();
      const { PipeWriter } = require(${JSON.stringify(file)});
      const writer = new PipeWriter(require('node:worker_threads').workerData, { ring: () => undefined });
      for (let i = 0; i < ${lines}; i++) writer.print('stdout', 1, 'line ' + i + '\\n');
      writer.send(1, 'end');`,
      { eval: true, workerData: memory },
    );
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    const reader = new PipeReader(memory);
    let text = '';
    for (let isOver = false; !isOver; ) {
      const record = reader.read();
      if (record === undefined) {
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 1)), failed]);
      } else if (record.kind === 'message') isOver = true;
      else text += record.payload.toString();
    }
    assert.equal(text, Array.from({ length: lines }, (_, i) => `line ${i}\n`).join(''));
    await worker.terminate();
  });
});
