import assert from 'node:assert/strict';
import type { Batch } from '../../src/data/batch';
import type { BatchState } from '../../src/data/batch-state';
import { type BatchOptions, type BatchSource, batchSource } from '../../src/data/batches';
import { openPairs } from '../../src/data/pairs';
import type { TrainingData } from '../../src/data/rows';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath } from '../support/fixtures';

const SOURCE = fixturePath('data', 'pickapic');
const EPOCHS = 3;

/** Tells captions apart by more than their length. */
const tokenizer = {
  encode: (texts: readonly string[]) => ({
    inputIds: Int32Array.from(texts.flatMap((text) => [text.length, text.codePointAt(1) ?? 0])),
    length: 2,
  }),
};

const seeded = () => ({ torch: new TorchGenerator(5), python: new PythonRandom(5) });

/** All that a run would save after a batch, as it would be read back. */
interface Saved {
  readonly batches: BatchState;
  readonly torch: ReturnType<TorchGenerator['state']>;
  readonly python: ReturnType<PythonRandom['state']>;
}

/** Runs a source to its end, the training step drawing in between; saves after each batch. */
async function runThrough(source: BatchSource, random: ReturnType<typeof seeded>) {
  const seen: { batch: Batch; times: Int32Array; saved: Saved }[] = [];
  for await (const batch of source) {
    const times = random.torch.randint(0, 1000, 2);
    random.torch.randnSerial(1); // leaves the second normal of a pair waiting
    const [torch, python] = [random.torch.state(), random.python.state()];
    const saved = JSON.parse(JSON.stringify({ batches: source.state(), torch, python }));
    seen.push({ batch, times, saved });
  }
  return seen;
}

/** Goes on from each place, or those listed, and compares with the run that was never interrupted. */
async function resumeEverywhere(
  data: TrainingData,
  given: Partial<BatchOptions>,
  places?: readonly number[],
) {
  const options = { batchSize: 3, resolution: 16, epochs: EPOCHS, ...given };
  const random = seeded();
  const whole = await runThrough(batchSource(data, tokenizer, random, options), random);
  assert.equal(whole.length, EPOCHS * 5);
  for (const [k, { saved }] of whole.entries()) {
    if (places && !places.includes(k)) continue;
    const again = seeded();
    again.torch.restore(saved.torch);
    again.python.restore(saved.python);
    const source = batchSource(data, tokenizer, again, options, saved.batches);
    assert.deepEqual(source.state(), saved.batches);
    const rest = await runThrough(source, again);
    assert.deepEqual(rest, whole.slice(k + 1));
  }
  return whole;
}

describe('a source of batches', () => {
  it('goes on after any batch with the same numbers', async () => {
    const whole = await resumeEverywhere(await openPairs(SOURCE), {});
    const last = whole.filter(({ batch }) => batch.isLastOfEpoch).map(({ batch }) => batch.index);
    assert.deepEqual(last, [4, 4, 4]);
    const { batches } = (whole[1] as (typeof whole)[number]).saved;
    assert.deepEqual(batches.ahead?.captions, whole[2]?.batch.captions);
    assert.equal(whole[4]?.saved.batches.ahead, undefined);
  });

  it('goes on with random crops, workers and several captions a row', async () => {
    const data = await openPairs(SOURCE);
    const pairs = data.pairs.map((pair) => ({ ...pair, caption: ['a', 'b', 'c', pair.caption] }));
    const whole = await resumeEverywhere(
      { ...data, pairs },
      { crop: 'random', dataloaderNumWorkers: 2, proportionEmptyPrompts: 0.5 },
    );
    const captions = new Set(whole.flatMap(({ batch }) => batch.captions));
    assert.ok(['', 'a', 'b', 'c'].every((text) => captions.has(text)));
  });

  it('goes on in stored order, with winners alone', async () => {
    const data = await openPairs(SOURCE);
    await resumeEverywhere(data, { order: 'as stored', pictures: 'winner' });
  });

  it('goes on in the orders of a fixed seed', async () => {
    await resumeEverywhere(await openPairs(SOURCE), { dataOrder: 'fixed seed' }, [1, 4, 9]);
  });

  it('goes on in the middle of what was read ahead', async () => {
    const readAhead = { threads: 1, bytes: 5000 };
    await resumeEverywhere(await openPairs(SOURCE), { readAhead, cacheBytes: 0 }, [6]);
  });

  it('refuses the state of other data or another batch size', async () => {
    const data = await openPairs(SOURCE);
    const options = { batchSize: 3, resolution: 16 };
    const state = batchSource(data, tokenizer, seeded(), options).state();
    const resume = (rows: TrainingData, batchSize: number) =>
      batchSource(rows, tokenizer, seeded(), { ...options, batchSize }, state);
    assert.throws(() => resume({ ...data, pairs: data.pairs.slice(1) }, 3), /16 rows; .* has 15/);
    assert.throws(() => resume(data, 2), /batches of 3; now they have 2/);
  });

  it('leaves the first batches out where it is told to, all their numbers drawn', async () => {
    const data = await openPairs(SOURCE);
    const options = { batchSize: 3, resolution: 16, crop: 'random' } as const;
    const seen = async (given: Partial<BatchOptions>) => {
      const random = seeded();
      const source = batchSource(data, tokenizer, random, { ...options, ...given });
      const batches: Batch[] = [];
      for await (const batch of source) batches.push(batch);
      return { batches, next: random.torch.rand(1)[0], dropped: random.python.random() };
    };
    const whole = await seen({ epochs: 1 });
    const late = await seen({ startAt: { epoch: 2, skip: 3 }, epochs: 3 });
    const inEpoch2 = whole.batches.slice(3).map((batch) => ({ ...batch, epoch: 2 }));
    assert.deepEqual(late, { ...whole, batches: inEpoch2 });
    const startAt = { epoch: 0, skip: 5 };
    assert.throws(() => batchSource(data, tokenizer, seeded(), { ...options, startAt }), /5 batch/);
  });

  it('has no state while it fetches, and runs through once', async () => {
    const source = batchSource(await openPairs(SOURCE), tokenizer, seeded(), {
      batchSize: 8,
      resolution: 16,
      epochs: 1,
    });
    const run = source[Symbol.asyncIterator]();
    const first = run.next();
    assert.throws(() => source.state(), /while a batch is fetched/);
    await first;
    assert.equal(source.state().ahead?.index, 1);
    await run.return();
    await assert.rejects(source[Symbol.asyncIterator]().next(), /run through once/);
  });
});

describe('several captions', () => {
  it("are chosen from as Python's random does, after the draw that may drop them", async () => {
    const data = await openPairs(SOURCE);
    const pairs = data.pairs.map((pair) => ({ ...pair, caption: ['a', 'b', 'c'] }));
    const options = { batchSize: 4, resolution: 16, epochs: 1, order: 'as stored' } as const;
    const random = { torch: new TorchGenerator(0), python: new PythonRandom(0) };
    const captions: string[] = [];
    for await (const batch of batchSource({ ...data, pairs }, tokenizer, random, options)) {
      captions.push(...batch.captions);
    }
    // random.seed(0); ['' if random.random() < .2 else random.choice('abc') for _ in range(16)]
    assert.equal(captions.map((text) => text || '-').join(''), 'b-bbbab--ccb--ba');
  });
});
