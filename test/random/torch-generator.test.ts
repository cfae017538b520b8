import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { shuffledOrder, TorchGenerator } from '../../src/random';
import { jsonFixture } from '../support/fixtures';

interface Row {
  readonly seed: string;
  readonly rand: string;
  readonly randn: string;
  readonly randnTail: string;
  readonly randnSmallThenSerial: string;
  readonly randint: string;
  readonly randintWide: string;
  readonly randperm: string;
  readonly random64: readonly string[];
  readonly shuffledOrder: string;
}

const { torch: rows, long } = jsonFixture<{ torch: Row[]; long: Record<string, string> }>(
  'random',
  'vectors.json',
);

function sha256(...parts: readonly ArrayBufferView[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}

function everySeed(check: (row: Row, generator: () => TorchGenerator) => void) {
  assert.ok(rows.length >= 200);
  for (const row of rows) check(row, () => new TorchGenerator(BigInt(row.seed)));
}

describe('TorchGenerator', () => {
  it('draws torch.rand', () => {
    everySeed((row, generator) => assert.equal(sha256(generator().rand(1001)), row.rand, row.seed));
  });

  it('draws torch.randn of contiguous memory', () => {
    everySeed((row, generator) =>
      assert.equal(sha256(generator().randn(4096)), row.randn, row.seed),
    );
  });

  it('draws torch.randn of lengths that are no multiple of 16', () => {
    everySeed((row, generator) => {
      const parts = [16, 17, 31, 1000].map((n) => generator().randn(n));
      assert.equal(sha256(...parts), row.randnTail, row.seed);
    });
  });

  it('keeps the second normal of a pair across small draws and serial ones', () => {
    everySeed((row, generator) => {
      const g = generator();
      const small = [1, 5, 15, 2, 7].map((n) => g.randn(n));
      assert.equal(sha256(...small, g.randnSerial(3 * 4 * 6 * 5)), row.randnSmallThenSerial);
    });
  });

  it('draws torch.randint from one word, and from two for wide ranges', () => {
    everySeed((row, generator) => {
      assert.equal(sha256(generator().randint(0, 1000, 500)), row.randint, row.seed);
      assert.equal(sha256(generator().randint(-5, 2 ** 31 - 6, 50)), row.randintWide, row.seed);
    });
  });

  it('draws torch.randperm and int64 random_', () => {
    everySeed((row, generator) => {
      assert.equal(sha256(generator().randperm(777)), row.randperm, row.seed);
      assert.equal(generator().random64().toString(), row.random64[0]);
    });
  });

  it('draws a million normals and a permutation of 100,000', () => {
    assert.equal(sha256(new TorchGenerator(99).randn(1_000_003)), long.randn);
    assert.equal(sha256(new TorchGenerator(99).randperm(100_000)), long.randperm);
  });

  it('skips as many words as it is told, a waiting normal kept', () => {
    for (const words of [0, 1, 623, 624, 625, 2000, 624 * 3]) {
      const [skipping, drawing] = [new TorchGenerator(7), new TorchGenerator(7)];
      for (const generator of [skipping, drawing]) generator.randn(3); // 4 normals of 2 words, one waiting
      skipping.skip(words);
      drawing.rand(words);
      assert.deepEqual(skipping.state(), drawing.state());
    }
  });

  it('goes on from a state saved as JSON', () => {
    const generator = new TorchGenerator(7);
    generator.randn(3); // leaves a normal waiting
    const saved = JSON.stringify(generator.state());
    const expected = [...generator.randn(5), ...generator.rand(700), ...generator.randint(0, 9, 9)];

    const other = new TorchGenerator(8);
    other.restore(JSON.parse(saved));
    assert.deepEqual([...other.randn(5), ...other.rand(700), ...other.randint(0, 9, 9)], expected);
    assert.equal(other.seed, 7n);
  });

  it('refuses what torch would refuse', () => {
    const generator = new TorchGenerator(0);
    assert.throws(() => new TorchGenerator(0.5), /must be an integer; got 0.5/);
    assert.throws(() => new TorchGenerator(2n ** 64n), /64 bits/);
    assert.throws(() => generator.randint(3, 3, 1), /low < high; got 3 and 3/);
    assert.throws(() => generator.restore({ seed: '0', words: [1, 2], index: 0 }), /got 2 words/);
  });
});

describe('shuffledOrder', () => {
  it('is the order of a shuffling DataLoader over two epochs', () => {
    everySeed((row, generator) => {
      const g = generator();
      assert.equal(sha256(shuffledOrder(g, 61), shuffledOrder(g, 61)), row.shuffledOrder, row.seed);
    });
  });
});
