import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PythonRandom } from '../../src/random';
import { jsonFixture } from '../support/fixtures';

interface Row {
  readonly seed: string;
  readonly random: string;
  readonly integers: string;
}

const { python: rows } = jsonFixture<{ python: Row[] }>('random', 'vectors.json');
const sha256 = (x: readonly number[]) =>
  createHash('sha256')
    .update(Buffer.from(Float64Array.from(x).buffer))
    .digest('hex');
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('PythonRandom', () => {
  it('draws random, getrandbits, randrange, choice and shuffle as Python does', () => {
    assert.ok(rows.length >= 200);
    for (const row of rows) {
      const r = new PythonRandom(BigInt(row.seed));
      assert.equal(sha256(range(50).map(() => r.random())), row.random, row.seed);
      const bits = range(53).map((k) => r.getrandbits(k + 1));
      const below = [1, 2, 3, 10, 1000, 2 ** 31, 2 ** 40].map((n) => r.randrange(n));
      const chosen = range(50).map(() => r.choice(range(10)));
      const shuffled = range(101);
      r.shuffle(shuffled);
      assert.equal(sha256([...bits, ...below, ...chosen, ...shuffled]), row.integers, row.seed);
    }
  });

  it('goes on from a state saved as JSON', () => {
    const r = new PythonRandom(11);
    r.random();
    const saved = JSON.stringify(r.state());
    const expected = range(700).map(() => r.random());
    const other = new PythonRandom(0);
    other.restore(JSON.parse(saved));
    assert.deepEqual(
      range(700).map(() => other.random()),
      expected,
    );
  });

  it('refuses an empty choice and an empty range', () => {
    const r = new PythonRandom(0);
    assert.throws(() => r.choice([]), /empty list/);
    assert.throws(() => r.randrange(0), /positive integer; got 0/);
    assert.throws(() => r.getrandbits(54), /0 to 53 bits; got 54/);
  });
});
