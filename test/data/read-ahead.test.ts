import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { batches } from '../../src/data/batches';
import { encodePng, PictureError } from '../../src/data/image';
import { openPairs } from '../../src/data/pairs';
import { type PictureKey, PictureReader, type ReadAhead } from '../../src/data/picture-reader';
import { PictureThreads } from '../../src/data/picture-threads';
import type { TrainingData, TrainingRow } from '../../src/data/rows';
import { resizeShorterSide } from '../../src/data/transforms';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath } from '../support/fixtures';

const SOURCE = fixturePath('data', 'pickapic');
const SIDE = 16;
const PICTURE_BYTES = SIDE * SIDE * 3;
const tokenizer = {
  encode: (texts: readonly string[]) => ({ inputIds: new Int32Array(texts.length), length: 1 }),
};
const seeded = () => ({ torch: new TorchGenerator(3), python: new PythonRandom(3) });

/** `count` rows of two grey pictures; a row listed as damaged has a broken `jpg_1`. */
async function greyRows(count: number, damaged: readonly number[] = []) {
  const read: string[] = [];
  const rows = Array.from({ length: count }, (_, row): TrainingRow => {
    const place = { file: { path: 'grey' }, row, rowGroup: 0, rowInGroup: row };
    return { caption: `${row}`, winner: 'jpg_0', loser: 'jpg_1', ...place };
  });
  const grey = (value: number) =>
    encodePng({ width: SIDE, height: SIDE, data: new Uint8Array(PICTURE_BYTES).fill(value) });
  const data: TrainingData = {
    pairs: rows,
    pictures: {
      async get({ row }, column) {
        read.push(`${row} ${column}`);
        const broken = damaged.includes(row) && column === 'jpg_1';
        return broken ? Uint8Array.of(0xff, 0xd8, 1) : grey(row + (column === 'jpg_0' ? 0 : 100));
      },
    },
  };
  return { data, read };
}

const keysOf = (count: number): PictureKey[] =>
  Array.from({ length: count }, (_, row) => [row, 'jpg_0'] as const);

/** Waits until the reader holds so many pictures, and then whether more come. */
async function settled(reader: PictureReader, pictures: number) {
  while (reader.heldBytes < pictures * PICTURE_BYTES) await setTimeout(20);
  await setTimeout(100);
}

describe('reading ahead', () => {
  it('changes no batch', async () => {
    const all = async (readAhead?: ReadAhead) => {
      const options = {
        batchSize: 3,
        resolution: 16,
        crop: 'random',
        epochs: 2,
        cacheBytes: 5000,
      } as const;
      const given = readAhead ? { ...options, readAhead } : options;
      const random = seeded();
      const seen = [];
      for await (const batch of batches(await openPairs(SOURCE), tokenizer, random, given)) {
        seen.push([batch, random.torch.randint(0, 1000, 1)]);
      }
      return seen;
    };
    const plain = await all();
    assert.equal(plain.length, 10);
    assert.deepEqual(await all({ threads: 2 }), plain);
    assert.deepEqual(await all({ threads: 1, bytes: 2000 }), plain);
  });

  it('reads what will be asked for, in order, up to its budget and one picture a thread', async () => {
    const { data, read } = await greyRows(20);
    const bytes = 4 * PICTURE_BYTES;
    const reader = new PictureReader(data, {
      resolution: SIDE,
      cacheBytes: 0,
      readAhead: { threads: 2, bytes },
    });
    try {
      reader.expect(keysOf(20));
      for (let row = 0; row < 4; row++) {
        await settled(reader, 4); // reads on after each
        assert.ok(reader.heldBytes <= bytes + PICTURE_BYTES);
        assert.equal((await reader.get([row, 'jpg_0'])).data[0], row);
      }
      await settled(reader, 4);
      assert.ok(read.length < 12);
      assert.deepEqual(
        read,
        keysOf(read.length).map(([row]) => `${row} jpg_0`),
      ); // each once
    } finally {
      await reader.close();
    }
  });

  it('reads nothing twice where training is faster than reading', async () => {
    const { data, read } = await greyRows(12);
    const reader = new PictureReader(data, {
      resolution: SIDE,
      cacheBytes: 0,
      readAhead: { threads: 1 },
    });
    try {
      reader.expect(keysOf(12));
      const images = await Promise.all(keysOf(12).map((key) => reader.get(key)));
      assert.deepEqual(
        images.map(({ data: [value] }) => value),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      );
      await setTimeout(100);
      assert.equal(read.length, 12);
      assert.equal(reader.heldBytes, 0);
    } finally {
      await reader.close();
    }
  });

  it('keeps an error for whoever asks for the picture', async () => {
    const { data } = await greyRows(6, [4]);
    const reader = new PictureReader(data, { resolution: SIDE, readAhead: { threads: 2 } });
    try {
      reader.expect(keysOf(6).map(([row]) => [row, 'jpg_1'] as const));
      await settled(reader, 5);
      for (const row of [0, 1, 2, 3, 5])
        assert.equal((await reader.get([row, 'jpg_1'])).data[0], 100 + row);
      await assert.rejects(reader.get([4, 'jpg_1']), (error) => {
        assert.ok(error instanceof PictureError);
        assert.match(error.message, /^Row 4, column "jpg_1" of "grey": The JPEG picture/);
        return true;
      });
    } finally {
      await reader.close();
    }
  });

  it('resizes as either version of Pillow does, in a thread as on this one', async () => {
    const tall = {
      width: 20,
      height: 61,
      data: Uint8Array.from({ length: 3660 }, (_, i) => (i * i) % 251),
    };
    const file = await encodePng(tall);
    const { data } = await greyRows(1);
    const one = { ...data, pictures: { get: async () => file } };
    const versions = ['current', 'before 13'] as const;
    const expected = versions.map((pillow) => resizeShorterSide(tall, 9, { pillow }));
    assert.notDeepEqual(expected[0], expected[1]);
    for (const readAhead of [undefined, { threads: 1 }]) {
      for (const [i, pillow] of versions.entries()) {
        const options = { resolution: 9, pillow, ...(readAhead ? { readAhead } : {}) };
        const reader = new PictureReader(one, options);
        assert.deepEqual(await reader.get([0, 'jpg_0']), expected[i]);
        await reader.close();
      }
    }
  });

  it('refuses what is under way when it is closed', async () => {
    const threads = new PictureThreads(1);
    const waiting = [threads.resized(Uint8Array.of(1), 16), threads.resized(Uint8Array.of(2), 16)];
    const outcomes = Promise.allSettled(waiting);
    await threads.close();
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, 'rejected');
      assert.match(String(outcome.status === 'rejected' && outcome.reason), /was ended/);
    }
  });

  it('lets the process end, after an error in the loop or when batches are simply left', () => {
    const loop = `for await (const batch of source) { console.log(batch.pairs.length); throw 'stopped'; }`;
    const left = `console.log((await source.next()).value.pairs.length);`;
    for (const [body, expected] of [
      [loop, '2\nstopped\n'],
      [left, '2\n'],
    ] as const) {
      const program = `
        const { batches, openPairs } = require('./src/data');
        const { PythonRandom, TorchGenerator } = require('./src/random');
        (async () => {
          const tokenizer = { encode: (t) => ({ inputIds: new Int32Array(t.length), length: 1 }) };
          const random = { torch: new TorchGenerator(1), python: new PythonRandom(1) };
          const options = { batchSize: 2, resolution: 16, readAhead: { threads: 2 } };
          const data = await openPairs(${JSON.stringify(SOURCE)});
          const source = batches(data, tokenizer, random, options);
          ${body}
        })().catch((error) => console.log(error));`;
      const options = {
        cwd: join(__dirname, '..', '..'),
        encoding: 'utf8',
        timeout: 60_000,
      } as const;
      assert.equal(
        execFileSync(process.execPath, ['--import', 'tsx', '-e', program], options),
        expected,
      );
    }
  });
});
