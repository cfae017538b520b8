import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { numpyPermutation } from '../../src/random';
import { jsonFixture } from '../support/fixtures';

interface Vectors {
  readonly numpy: readonly { readonly seed: string; readonly permutation: string }[];
  readonly long: { readonly permutation: string };
}

const { numpy: rows, long } = jsonFixture<Vectors>('random', 'vectors.json');

function sha256(orders: readonly Int32Array[]): string {
  const hash = createHash('sha256');
  for (const order of orders) hash.update(Buffer.from(order.buffer));
  return hash.digest('hex');
}

describe('numpyPermutation', () => {
  it('is default_rng(seed).permutation(n), for seeds of any size', () => {
    assert.ok(rows.length >= 200);
    for (const { seed, permutation } of rows) {
      const orders = [0, 1, 2, 20, 1000].map((n) => numpyPermutation(BigInt(seed), n));
      assert.equal(sha256(orders), permutation, seed);
    }
  });

  it('holds for 100,000 rows', () => {
    assert.equal(sha256([numpyPermutation(99, 100_000)]), long.permutation);
  });

  it('refuses a negative seed', () => {
    assert.throws(() => numpyPermutation(-1, 3), /non-negative integer; got -1/);
  });
});
