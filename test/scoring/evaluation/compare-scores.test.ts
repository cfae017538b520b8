import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { compareScores, outcomeOf } from '../../../src/scoring/evaluation/compare-scores';
import { assertClose } from '../../support/assert';

const few = { resamples: 1000 };

/** Scores of [prompts][seeds]: a prompt is hard or easy for everybody, and every picture has its luck. */
function drawnScores(
  generator: TorchGenerator,
  { prompts, seeds, gain = 0 }: { prompts: number; seeds: number; gain?: number },
) {
  const hardness = [...generator.randn(prompts)];
  const table = (shift: number) =>
    hardness.map((hard) => [...generator.randnSerial(seeds)].map((luck) => hard + luck + shift));
  const base = table(0);
  return { base, challenger: table(gain) };
}

describe('compareScores', () => {
  const base = [
    [1, 1],
    [1, 2],
    [3, 3],
    [0, 0],
  ];
  const challenger = [
    [2, 2],
    [1, 3],
    [1, 3],
    [4, 0.1],
  ];

  it('counts pairs, ties half, and prompts by most of their pairs', () => {
    const { winRate, pairs, signTest, meanDifference, medianDifference, seeds, variance } =
      compareScores(challenger, base, few);
    assert.deepEqual(pairs, { wins: 5, losses: 1, ties: 2 });
    assert.deepEqual([winRate.value, winRate.n], [0.75, 4]);
    assert.deepEqual([signTest.wins, signTest.losses, signTest.ties], [3, 1, 0]);
    assertClose(meanDifference.value, (1 + 1 + 0 + 1 - 2 + 0 + 4 + 0.1) / 8);
    assertClose(medianDifference.value, 0.55); // −2 0 0 0.1 1 1 1 4
    assertClose(seeds.rates, [0.625, 0.875]); // 1 ½ 0 1, and 1 1 ½ 1
    assert.ok(variance && variance.seeds > 0);
  });

  it('has a rule for ties', () => {
    assert.deepEqual(
      [outcomeOf(0.1, 0.1), outcomeOf(-0.1, 0.1), outcomeOf(0.11, 0.1), outcomeOf(-0.11, 0.1)],
      [0.5, 0.5, 1, 0],
    );
    assert.equal(compareScores(challenger, base, { ...few, tieEpsilon: 0.2 }).pairs.ties, 3);
  });

  it('looks at each category alone, and gives none of few prompts an interval', () => {
    const many = Array.from({ length: 24 }, (_, p) => [p % 3 === 0 ? 0 : 1]);
    const categories = many.map((_, p) => ({ colour: p < 20 ? 'red' : 'blue', all: 'yes' }));
    const zero = many.map(() => [0.5]);
    const { categories: rates } = compareScores(many, zero, { ...few, categories });
    assert.deepEqual(
      rates.map(({ kind, category, n }) => [kind, category, n]),
      [
        ['colour', 'red', 20],
        ['colour', 'blue', 4],
        ['all', 'yes', 24],
      ],
    );
    assertClose(
      rates.map(({ rate }) => rate),
      [13 / 20, 3 / 4, 2 / 3],
    );
    assert.deepEqual(
      rates.map(({ interval }) => interval !== undefined),
      [true, false, true],
    );
  });

  it('says how little 16 prompts tell, and how many it takes', () => {
    const nine = Array.from({ length: 16 }, (_, p) => [p < 9 ? 1 : 0]);
    const { warnings } = compareScores(
      nine,
      nine.map(() => [0.5]),
      few,
    );
    assert.match(warnings.join('\n'), /n = 16 prompts tell a win rate to ±24\.5 points at best/);
    assert.match(warnings.join('\n'), /56\.3 % is not told from 50 % by 16 prompts.*about 246\./);
    const all = compareScores(
      nine.map(() => [1]),
      nine.map(() => [0]),
      few,
    );
    assert.match(all.warnings.join('\n'), /exact 95 % bound is 79\.4 %/); // 0.025^(1/16)
  });

  it('refuses tables of other forms, and scores that are no numbers', () => {
    assert.throws(() => compareScores([[1]], [[1], [2]]), /1 prompts are compared with those of 2/);
    assert.throws(() => compareScores([[1, 2]], [[1]]), /Prompt 0 has 2 scores/);
    assert.throws(() => compareScores([[1, Number.NaN]], [[1, 1]]), /prompt 0, seed 1 is not a/);
  });

  it('covers one half in at least 90 of 100 comparisons of a model with itself', () => {
    const generator = new TorchGenerator(11);
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const { base, challenger } = drawnScores(generator, { prompts: 50, seeds: 2 });
      const { low, high } = compareScores(challenger, base, { resamples: 400 }).winRate;
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    assert.ok(covered >= 90 && covered < 100, `${covered} of 100`);
  });

  it('finds a winner of 60 %', () => {
    // P(win) = Φ(gain / √2) = 0.6 for gain = 0.2533 · √2
    const generator = new TorchGenerator(5);
    const { base, challenger } = drawnScores(generator, { prompts: 400, seeds: 2, gain: 0.358 });
    const { winRate, signTest } = compareScores(challenger, base, few);
    assert.ok(
      winRate.low > 0.5 && winRate.low < 0.6 && winRate.high > 0.6,
      JSON.stringify(winRate),
    );
    assert.ok(signTest.p < 0.001);
  });
});
