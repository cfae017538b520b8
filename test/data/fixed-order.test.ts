import assert from 'node:assert/strict';
import { type BatchOptions, batchSource } from '../../src/data/batches';
import { openPairs } from '../../src/data/pairs';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { fixturePath, jsonFixture } from '../support/fixtures';

interface FixedOrder {
  readonly rows: number;
  readonly batchSize: number;
  /** The epoch that is left after its first batch of each of the two processes. */
  readonly leftEarly: number;
  readonly runs: readonly {
    readonly seed: number;
    readonly orders: readonly (readonly number[])[];
    readonly uniform: number;
  }[];
}

const { rows, batchSize, leftEarly, runs } = jsonFixture<FixedOrder>('data', 'fixed-order.json');

/** The first 24 pairs, half of them twice. */
async function pairs() {
  const data = await openPairs(fixturePath('data', 'pickapic'));
  const twice = [...data.pairs, ...data.pairs].slice(0, rows);
  assert.equal(twice.length, rows);
  return { ...data, pairs: twice.map((pair, i) => ({ ...pair, caption: `${i}` })) };
}

const tokenizer = { encode: () => ({ inputIds: new Int32Array(batchSize), length: 1 }) };

describe('dataOrder', () => {
  const options: BatchOptions = {
    ...{ batchSize, resolution: 16, flip: 'none', proportionEmptyPrompts: 0 },
    dataOrder: 'fixed seed',
  };

  /** Rows by epoch; one process sees here what two do there, so that two batches are seen before an epoch is left. */
  async function orders(seed: number, given: BatchOptions) {
    const random = { torch: new TorchGenerator(seed), python: new PythonRandom(seed) };
    const seen: number[][] = [];
    const source = batchSource(await pairs(), tokenizer, random, { ...given, epochs: 5 });
    for await (const { epoch, index, captions } of source) {
      seen[epoch] = [...(seen[epoch] ?? []), ...captions.map(Number)];
      if (epoch === leftEarly && index === 1) source.leaveEpoch();
    }
    return { seen, uniform: random.torch.rand(1)[0] };
  }

  for (const { seed, orders: expected, uniform } of runs)
    it(`fixed seed: the rows of the original on two processes, for --seed ${seed} too`, async () => {
      const fixed = await orders(seed, options);
      assert.deepEqual(fixed.seen, expected);
      assert.equal(fixed.uniform, Math.fround(uniform)); // one number an epoch was drawn from the seed's generator
    });

  it('from --seed: another order, and another for another seed', async () => {
    const drawn = { ...options, dataOrder: 'from --seed' } as const;
    const [seven, eight] = [await orders(7, drawn), await orders(8, drawn)];
    assert.notDeepEqual(seven.seen[0], runs[0]?.orders[0]);
    assert.notDeepEqual(seven.seen[0], eight.seen[0]);
  });
});
