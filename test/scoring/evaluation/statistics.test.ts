/** Against scipy, whose values test/fixtures/make_statistics.py keeps. */
import assert from 'node:assert/strict';
import {
  acceleration,
  bcaInterval,
  bcaMean,
  bcMedian,
  biasCorrection,
  resamples,
} from '../../../src/scoring/evaluation/bca';
import { calibration, fittedScale } from '../../../src/scoring/evaluation/calibration';
import { normalCdf, normalQuantile } from '../../../src/scoring/evaluation/normal';
import {
  fairCoin,
  halfWidth,
  promptsNeeded,
  signTest,
} from '../../../src/scoring/evaluation/sign-test';
import { seedSpread, varianceParts } from '../../../src/scoring/evaluation/variance';
import { assertClose } from '../../support/assert';
import { jsonFixture } from '../../support/fixtures';

interface Bca {
  readonly values: readonly number[];
  readonly resampled: readonly number[];
  readonly z0: number;
  readonly acceleration: number;
  readonly low: number;
  readonly high: number;
  readonly full: readonly [number, number];
}

const scipy = jsonFixture<{
  readonly normal: Readonly<Record<'x' | 'ndtr' | 'p' | 'ndtri', readonly number[]>>;
  readonly sign: readonly { readonly wins: number; readonly n: number; readonly p: number }[];
  readonly bca: Readonly<Record<string, Bca>>;
  readonly variance: { readonly table: readonly (readonly number[])[]; readonly F: number };
}>('scoring', 'statistics.json');

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const withoutEach = (values: readonly number[]) =>
  values.map((_, i) => mean(values.filter((_, k) => k !== i)));

describe('normalCdf and normalQuantile', () => {
  it('are those of scipy', () => {
    const { x, ndtr, p, ndtri } = scipy.normal;
    assertClose(x.map(normalCdf), ndtr, { rtol: 0, atol: 1e-15 });
    const inside = p.map((q, i) => [q, ndtri[i] ?? 0] as const).filter(([q]) => q > 1e-7);
    const near = inside.filter(([q]) => q < 1 - 1e-7);
    assert.ok(near.length >= 8);
    assertClose(
      near.map(([q]) => normalQuantile(q)),
      near.map(([, z]) => z),
      { rtol: 1e-10 },
    );
    assert.throws(() => normalQuantile(1), /A quantile of 1 is not computed/);
  });
});

describe('signTest', () => {
  it('has the exact two-sided p of the binomial test', () => {
    for (const { wins, n, p } of scipy.sign)
      assertClose(fairCoin(wins, n) / p, 1, { rtol: 0, atol: 1e-9, label: `${wins} of ${n}` });
  });

  it('counts prompts, and leaves out those that are even', () => {
    const { wins, losses, ties, p } = signTest([1, 0.75, 0.5, 0, 1, 0.5]);
    assert.deepEqual([wins, losses, ties], [3, 1, 2]);
    assertClose(p, 0.625); // 2 · (1 + 4) / 16
  });

  it('knows how little few prompts tell', () => {
    assertClose(halfWidth(16), 0.245, { atol: 1e-12, rtol: 0 }); // 1.96 · ½ / 4
    assert.equal(promptsNeeded(0.6), 97); // ¼ · 19.6² = 96.04
  });
});

describe('the bias-corrected and accelerated bootstrap', () => {
  for (const [name, given] of Object.entries(scipy.bca)) {
    const resampled = Float64Array.from(given.resampled).sort();
    const close = { rtol: 1e-9, atol: 1e-12 };

    it(`has scipy's z₀, a and interval of its resamples (${name})`, () => {
      const a = acceleration(withoutEach(given.values));
      assertClose(a, given.acceleration, close);
      assertClose(biasCorrection(mean(given.values), resampled), given.z0, close);
      const interval = bcaInterval(mean(given.values), resampled, a);
      assertClose(interval, [given.low, given.high], close);
    });

    it(`comes near scipy's with resamples of its own (${name})`, () => {
      const clusters = given.values.map((value) => [value]);
      const { value, low, high, n, method } = bcaMean(clusters, resamples(clusters.length));
      assertClose(value, mean(given.values));
      const width = given.full[1] - given.full[0];
      assertClose([low, high], given.full, { rtol: 0, atol: 0.03 * width });
      assert.deepEqual([n, method], [given.values.length, 'BCa']);
    });
  }

  it('draws prompts: four equal pictures of each tell no more than one', () => {
    const { values } = scipy.bca.outcomes as Bca;
    const drawn = resamples(values.length, { resamples: 500 });
    const single = bcaMean(
      values.map((value) => [value]),
      drawn,
    );
    assert.deepEqual(
      bcaMean(
        values.map((value) => [value, value, value, value]),
        drawn,
      ),
      single,
    );
  });

  it('draws n of n in each resample, and the same for the same seed', () => {
    const { times, count } = resamples(7, { resamples: 50, seed: 3 });
    for (let r = 0; r < count; r++) assert.equal(mean([...times.subarray(7 * r, 7 * r + 7)]), 1);
    assert.deepEqual(resamples(7, { resamples: 50, seed: 3 }).times, times);
    assert.notDeepEqual(resamples(7, { resamples: 50, seed: 4 }).times, times);
  });

  it('is a point where all values are alike', () => {
    const { low, high } = bcaMean([[2], [2], [2]], resamples(3));
    assert.deepEqual([low, high], [2, 2]);
  });

  it('has the median of all values, and the bias-corrected interval of medians', () => {
    const clusters = [[1, 9], [2], [5, 3], [4], [8, 0.5]];
    const drawn = resamples(clusters.length, { resamples: 400 });
    const medians = Float64Array.from({ length: drawn.count }, (_, r) => {
      const times = drawn.times.subarray(5 * r, 5 * r + 5);
      const values = clusters.flatMap((cluster, i) => new Array(times[i]).fill(cluster).flat());
      const sorted = (values as number[]).sort((a, b) => a - b);
      return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
    }).sort();
    const { value, low, high, method } = bcMedian(clusters, drawn);
    assert.deepEqual([value, method], [3.5, 'BC']); // ½ 1 2 3 4 5 8 9
    assert.deepEqual([low, high], bcaInterval(3.5, medians, 0));
  });
});

describe('varianceParts and seedSpread', () => {
  it('have the F of scipy, and the parts that make up the error of the mean', () => {
    const parts = varianceParts(scipy.variance.table);
    assert.ok(parts);
    assertClose((4 * parts.prompts + parts.seeds) / parts.seeds, scipy.variance.F, { rtol: 1e-12 });
    assertClose(parts.error ** 2, parts.prompts / 9 + parts.seeds / 36, { rtol: 1e-12 });
    assertClose(parts.errorOfSeeds ** 2, parts.seeds / 36, { rtol: 1e-12 });
  });

  it('by hand: prompts that always agree, and seeds that never do', () => {
    // means 1, 0: between = 2 · (¼ + ¼) / 1 = 1, within = 0
    assert.deepEqual(
      varianceParts([
        [1, 1],
        [0, 0],
      ]),
      {
        ...{ prompts: 0.5, seeds: 0, error: 0.5, errorOfSeeds: 0 },
      },
    );
    // both means ½: between = 0, within = 4 · ¼ / 2
    assert.equal(
      varianceParts([
        [1, 0],
        [0, 1],
      ])?.seeds,
      0.5,
    );
    assert.equal(varianceParts([[1], [0]]), undefined);
    assert.throws(() => varianceParts([[1, 0], [0]]), /equally many seeds/);
  });

  it('tell what each seed alone would have said', () => {
    const { rates, deviation } = seedSpread([
      [1, 0],
      [1, 1],
      [0, 0],
    ]);
    assertClose(rates, [2 / 3, 1 / 3]);
    assertClose(deviation ?? 0, Math.sqrt(2) / 6); // ±1/6 around ½
    assert.equal(seedSpread([[1], [0]]).deviation, undefined);
  });
});

describe('calibration', () => {
  it('puts margins into bins of what they claim', () => {
    // σ(ln 3) = 0.75, σ(ln 19) = 0.95
    const { bins, error, logLoss } = calibration(
      [Math.log(3), Math.log(3), -Math.log(3), Math.log(19), 0],
      { bins: 5 },
    );
    assert.deepEqual(
      bins.map(({ n, low, high }) => [n, Math.round(10 * low), Math.round(10 * high)]),
      [
        [1, 5, 6],
        [3, 7, 8],
        [1, 9, 10],
      ],
    );
    assertClose(
      bins.map(({ accuracy }) => accuracy),
      [0.5, 2 / 3, 1],
    );
    assertClose(
      bins.map(({ confidence }) => confidence),
      [0.5, 0.75, 0.95],
    );
    assertClose(error, (3 * (0.75 - 2 / 3) + 0.05) / 5);
    const losses = [Math.log(4 / 3), Math.log(4 / 3), Math.log(4), Math.log(20 / 19), Math.LN2];
    assertClose(logLoss, mean(losses));
  });

  it('fits the one scale that differences have as log-odds', () => {
    // of four equal differences three are right: σ(2 s) = ¾
    assertClose(fittedScale([2, 2, 2, -2]) ?? 0, Math.log(3) / 2);
    assertClose(fittedScale([2, -2, -2, -2]) ?? 0, -Math.log(3) / 2);
    assert.equal(fittedScale([1, 2]), undefined);
  });
});
