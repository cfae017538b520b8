import assert from 'node:assert/strict';
import { chooseWinners, describeChoice, type Selector } from '../../src/data/choice';
import { encodePng, type RgbImage } from '../../src/data/image';
import type { TrainingData, TrainingRow } from '../../src/data/rows';

/** Pairs of grey pictures: caption, values of both, and whose label it is. A value of −1 is a broken file. */
type Pair = readonly [caption: string, first: number, second: number, winner: 'jpg_0' | 'jpg_1'];

function dataOf(pairs: readonly Pair[]): TrainingData {
  const values = pairs.map(([, first, second]) => ({ jpg_0: first, jpg_1: second }));
  return {
    pairs: pairs.map(([caption, , , winner], row): TrainingRow => {
      const loser = winner === 'jpg_0' ? 'jpg_1' : 'jpg_0';
      return { caption, winner, loser, file: { path: 'x' }, row, rowGroup: 0, rowInGroup: row };
    }),
    pictures: {
      async get({ row }, column) {
        const value = values[row]?.[column as 'jpg_0'] as number;
        if (value < 0) return Uint8Array.of(1, 2, 3);
        return encodePng({ width: 3, height: 2, data: new Uint8Array(18).fill(value) });
      },
    },
  };
}

/** Scores a picture by its brightness and writes down what it was shown. */
function byBrightness() {
  const calls: [prompt: string, values: number[]][] = [];
  const selector: Selector = {
    name: 'brightness',
    score: (images: RgbImage[], prompt) => {
      const values = images.map(({ data: [value] }) => value as number);
      calls.push([prompt, values]);
      return values;
    },
  };
  return { selector, calls };
}

const PAIRS: readonly Pair[] = [
  ['a', 10, 20, 'jpg_1'], // flipped, agrees
  ['a', 20, 10, 'jpg_1'],
  ['b', 30, 30, 'jpg_1'], // a tie keeps jpg_0
  ['a', 10, 40, 'jpg_0'], // flipped
  ['b', 9, 8, 'jpg_0'], // agrees
  ['b', 5, 4, 'jpg_0'], // agrees
];

describe('chooseWinners', () => {
  it('flips a pair exactly where the second picture scores higher', async () => {
    const data = dataOf(PAIRS);
    const { data: chosen, counts } = await chooseWinners(data, byBrightness().selector);
    const winners = chosen.pairs.map(({ winner }) => winner);
    assert.deepEqual(winners, ['jpg_1', 'jpg_0', 'jpg_0', 'jpg_1', 'jpg_0', 'jpg_0']);
    assert.ok(chosen.pairs.every(({ winner, loser }) => winner !== loser));
    assert.equal(data.pairs[1]?.winner, 'jpg_1'); // the labels stay as they were
    // agreement 3/6; jpg_0 in 4/6 of choices and 3/6 of labels: p_e = 1/3 + 1/6 = 1/2, κ = 0
    const { kappa, ...rest } = counts;
    assert.deepEqual(rest, { pairs: 6, flips: 2, tiesKept: 1, damaged: 0, agreement: 0.5 });
    assert.ok(Math.abs(kappa) < 1e-12);
    assert.match(
      describeChoice(counts),
      /^agrees with 50\.0 % of 6 labels \(κ -?0\.00\), 2 flips, 1 ties/,
    );
  });

  it("gives Cohen's κ", async () => {
    const labels: Pair[] = [...PAIRS.slice(0, 1), ...PAIRS.slice(3)]; // 3 of 4 agree
    const { counts } = await chooseWinners(dataOf(labels), byBrightness().selector);
    // jpg_0 in 2/4 of choices and 3/4 of labels: p_e = 3/8 + 1/8; κ = (3/4 − 1/2) / (1/2)
    assert.ok(Math.abs(counts.kappa - 0.5) < 1e-12);
  });

  it('shows a picture once for a prompt, whole, at most so many in one call', async () => {
    const { selector, calls } = byBrightness();
    const sizes = new Set<string>();
    const score: Selector['score'] = (images, prompt) => {
      for (const { width, height } of images) sizes.add(`${width}×${height}`);
      return selector.score(images, prompt);
    };
    await chooseWinners(dataOf(PAIRS), { ...selector, score });
    assert.deepEqual(calls, [
      ['a', [10, 20, 40]],
      ['b', [30, 9, 8, 5, 4]],
    ]);
    assert.deepEqual([...sizes], ['3×2']);
    calls.length = 0;
    await chooseWinners(dataOf(PAIRS), selector, { picturesPerCall: 3 });
    assert.deepEqual(
      calls.map(([, values]) => values),
      [[10, 20], [40], [30, 9, 8], [5, 4]],
    );
  });

  it('leaves a pair with a damaged picture as it is labelled', async () => {
    const { data, counts } = await chooseWinners(
      dataOf([['a', 10, -1, 'jpg_1'], ...PAIRS]),
      byBrightness().selector,
    );
    assert.equal(data.pairs[0]?.winner, 'jpg_1');
    assert.deepEqual([counts.damaged, counts.pairs], [1, 6]);
  });

  it('refuses a scorer that does not give one number a picture, and rows of one picture', async () => {
    const few: Selector = { name: 'few', score: () => [1] };
    const none: Selector = { name: 'none', score: ({ length }) => Array(length).fill(Number.NaN) };
    await assert.rejects(chooseWinners(dataOf(PAIRS), few), /"few" .* of 1; expected 3 numbers/);
    await assert.rejects(chooseWinners(dataOf(PAIRS), none), /"none" gave NaN/);
    const data = dataOf(PAIRS);
    const single = data.pairs.map(({ loser, ...row }) => row);
    await assert.rejects(chooseWinners({ ...data, pairs: single }, few), /rows of one/);
  });
});
