import assert from 'node:assert/strict';
import { bootstrapMean, formatRate, variety, winRate } from '../../src/scoring';
import { assertClose } from '../support/assert';

describe('bootstrapMean', () => {
  it('has the interval of the binomial for a share', () => {
    // 80 of 100: 0.8 ± 1.96 · √(0.8 · 0.2 / 100) = 0.7216 … 0.8784
    const values = Array.from({ length: 100 }, (_, i) => (i < 80 ? 1 : 0));
    const { mean, low, high, n } = bootstrapMean(values);
    assert.equal(mean, 0.8);
    assert.equal(n, 100);
    assertClose([low, high], [0.7216, 0.8784], { atol: 0.011, rtol: 0 });
  });

  it('is the same again for the same seed, and a point where all values agree', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    assert.deepEqual(bootstrapMean(values), bootstrapMean(values));
    assert.notDeepEqual(bootstrapMean(values), bootstrapMean(values, { seed: 1 }));
    assert.deepEqual(bootstrapMean([2, 2, 2]), { mean: 2, low: 2, high: 2, n: 3 });
  });
});

describe('winRate', () => {
  it('counts ties half', () => {
    const rate = winRate([3, 2, 1, 0], [1, 2, 2, -1]);
    assert.deepEqual(
      { wins: rate.wins, losses: rate.losses, ties: rate.ties, mean: rate.mean },
      { wins: 2, losses: 1, ties: 1, mean: 0.625 },
    );
  });

  it('refuses lists of different lengths and scores that are no numbers', () => {
    assert.throws(() => winRate([1], [1, 2]), /1 scores are compared with 2/);
    assert.throws(() => winRate([1, Number.NaN], [1, 2]), /Score 1 is not a number/);
  });

  it('is written with its interval and n', () => {
    const text = formatRate({ mean: 0.8933, low: 0.857, high: 0.927, n: 300 });
    assert.equal(text, '89.3 % (85.7–92.7, n = 300)');
  });
});

describe('variety', () => {
  const flat = (value: number) => ({ width: 2, height: 1, data: new Uint8Array(6).fill(value) });

  it('is zero where all pictures are alike', () => {
    assert.deepEqual(variety([flat(9), flat(9), flat(9)]), { pixelDeviation: 0, pairDistance: 0 });
  });

  it('measures the spread of every pixel and the distance of neighbours', () => {
    // values 0 and 100: deviation 50; both neighbour distances (there and back) are 100
    assert.deepEqual(variety([flat(0), flat(100)]), { pixelDeviation: 50, pairDistance: 100 });
  });
});
