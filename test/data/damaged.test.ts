import assert from 'node:assert/strict';
import { type BatchOptions, batchSource } from '../../src/data/batches';
import { encodePng, PictureError } from '../../src/data/image';
import type { TrainingData, TrainingRow } from '../../src/data/rows';
import { PythonRandom, TorchGenerator } from '../../src/random';

const SIDE = 4;
const tokenizer = {
  encode: (texts: readonly string[]) => ({ inputIds: new Int32Array(texts.length), length: 1 }),
};
const seeded = () => ({ torch: new TorchGenerator(2), python: new PythonRandom(2) });

/** Row r shows `shown(r)` in grey; a damaged row has a broken second picture. */
async function rows(count: number, damaged: readonly number[], shown = (row: number) => row) {
  const pairs = Array.from({ length: count }, (_, row): TrainingRow => {
    const place = { file: { path: 'grey' }, row: shown(row), rowGroup: 0, rowInGroup: row };
    return { caption: `${shown(row)}`, winner: 'jpg_0', loser: 'jpg_1', ...place };
  });
  const encoded = new Map<number, Promise<Uint8Array>>();
  const grey = (value: number) => {
    const known = encoded.get(value);
    if (known) return known;
    const file = encodePng({
      width: SIDE,
      height: SIDE + 1,
      data: new Uint8Array(SIDE * (SIDE + 1) * 3).fill(value % 256),
    });
    encoded.set(value, file);
    return file;
  };
  const pictures: TrainingData['pictures'] = {
    get: async ({ row }, column) =>
      damaged.includes(row) && column === 'jpg_1' ? Uint8Array.of(0xff, 0xd8, 1) : grey(row),
  };
  return { pairs, pictures };
}

async function run(data: TrainingData, given: Partial<BatchOptions> = {}) {
  const options = { batchSize: 10, resolution: SIDE, crop: 'random', epochs: 2, ...given } as const;
  const random = seeded();
  const source = batchSource(data, tokenizer, random, options);
  const seen = [];
  for await (const batch of source) {
    const { captions, placements, pixelValues } = batch;
    const found = source.state().damaged.length;
    seen.push({
      captions,
      placements,
      pixelValues,
      drawn: random.torch.randint(0, 1000, 1),
      found,
    });
  }
  return {
    seen: seen.map(({ found, ...rest }) => rest),
    found: seen.map(({ found }) => found),
    damaged: source.damaged,
  };
}

describe('damaged pictures', () => {
  it('give way to the next sound row, as if that stood in the data twice', async () => {
    const { seen, damaged } = await run(await rows(300, [40, 41, 299]));
    const instead = (row: number) => (row === 40 || row === 41 ? 42 : row === 299 ? 0 : row);
    assert.deepEqual(seen, (await run(await rows(300, [], instead))).seen);
    assert.equal(damaged.length, 3);
    for (const row of [40, 41, 299]) {
      assert.ok(damaged.some((text) => text.startsWith(`Row ${row}, column "jpg_1" of "grey": `)));
    }
  });

  it('are the same with reading ahead, and are found once', async () => {
    const data = await rows(200, [40, 41]);
    const plain = await run(data);
    const ahead = await run(data, { readAhead: { threads: 2, bytes: 1000 }, cacheBytes: 0 });
    assert.deepEqual(ahead, plain);
    assert.equal(plain.found.at(-1), 2);
    assert.deepEqual(
      plain.seen,
      (await run(await rows(200, [], (row) => (row === 40 || row === 41 ? 42 : row)))).seen,
    );
  });

  it('end the run with their names when they are more than 1 % of the rows', async () => {
    const few = await run(await rows(200, [3, 5]));
    assert.equal(few.damaged.length, 2);
    await assert.rejects(run(await rows(200, [3, 5, 7])), (error) => {
      assert.ok(error instanceof PictureError);
      assert.match(error.message, /^3 of 200 rows have a damaged picture, more than 1 %: /);
      for (const row of [3, 5, 7]) assert.match(error.message, new RegExp(`Row ${row}, column`));
      return true;
    });
  });

  it('are not looked for where nobody opens them: winners alone', async () => {
    const { damaged } = await run(await rows(200, [3, 5, 7]), { pictures: 'winner' });
    assert.deepEqual(damaged, []);
  });

  it('stay known to a source that goes on from a saved state', async () => {
    const data = await rows(200, [40, 41]);
    const options = { batchSize: 10, resolution: SIDE, epochs: 1 };
    const source = batchSource(data, tokenizer, seeded(), options);
    for await (const _ of source);
    const state = JSON.parse(JSON.stringify(source.state()));
    assert.equal(state.damaged.length, 2);
    const resumed = batchSource(data, tokenizer, seeded(), options, state);
    assert.deepEqual(resumed.damaged, source.damaged);
  });

  it('do not hide other errors', async () => {
    const data = await rows(200, []);
    const pictures = { get: async () => Promise.reject(new Error('the disk is gone')) };
    await assert.rejects(run({ ...data, pictures }), /^Error: the disk is gone$/);
  });
});
