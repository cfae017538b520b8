import assert from 'node:assert/strict';
import { chooseWinners, type KnownScores, type Selector } from '../../src/data/choice';
import { choiceMatrix, describeChoice } from '../../src/data/choice-counts';
import { encodePng, type RgbImage } from '../../src/data/image';
import type { TrainingData, TrainingRow } from '../../src/data/rows';

/** Pairs of grey pictures: caption, values of both, and whose label it is. A value of −1 is a broken file. */
type Pair = readonly [
  caption: string,
  first: number,
  second: number,
  winner: 'jpg_0' | 'jpg_1' | 'nobody',
];

function dataOf(pairs: readonly Pair[]): TrainingData {
  const values = pairs.map(([, first, second]) => ({ jpg_0: first, jpg_1: second }));
  const rows = pairs.map(([caption, , , winner], row): TrainingRow => {
    const loser = winner === 'jpg_1' ? 'jpg_0' : 'jpg_1';
    const place = { file: { path: 'x' }, row, rowGroup: 0, rowInGroup: row };
    return { caption, winner: winner === 'jpg_1' ? 'jpg_1' : 'jpg_0', loser, ...place };
  });
  const isDecided = (_: unknown, row: number) => pairs[row]?.[3] !== 'nobody';
  return {
    pairs: rows.filter(isDecided),
    undecided: rows.filter((row, i) => !isDecided(row, i)),
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
    const { kappa, matrix, ...rest } = counts;
    assert.deepEqual(rest, { pairs: 6, flips: 2, tiesKept: 1, damaged: 0, agreement: 0.5 });
    assert.ok(Math.abs(kappa) < 1e-12);
    assert.match(
      describeChoice(counts),
      /^agrees with 50\.0 % of 6 labels \(κ -?0\.00\), 2 flips, 1 ties/,
    );
  });

  it("counts choices against labels as scikit-learn's confusion_matrix and cohen_kappa_score do", async () => {
    const people = [
      'jpg_0',
      'jpg_0',
      'jpg_0',
      'jpg_1',
      'jpg_1',
      'jpg_1',
      'jpg_1',
      'jpg_0',
      'jpg_0',
    ];
    const labels = [...people, 'nobody', 'nobody', 'jpg_1'] as const;
    const scores = [
      ...[
        [3, 1],
        [2, 2],
        [1, 4],
        [5, 1],
        [1, 7],
        [1, 2],
        [4, 4],
        [9, 2],
        [8, 1],
      ],
      ...[
        [3, 3],
        [1, 6],
        [2, 9],
      ],
    ];
    const pairs = labels.map((label, i): Pair => {
      const [first = 0, second = 0] = scores[i] ?? [];
      return [`${i % 3}`, first, second, label as Pair[3]];
    });
    const { data, counts } = await chooseWinners(dataOf(pairs), byBrightness().selector);
    // scikit-learn 1.9.1, labels and scores in the order 0, ½, 1; κ of the ten decided pairs, even scores being jpg_0
    const matrix = [
      [3, 1, 1],
      [1, 1, 0],
      [1, 1, 3],
    ];
    assert.deepEqual(counts.matrix, matrix);
    assert.deepEqual([counts.pairs, counts.agreement], [10, 0.7]);
    assert.ok(Math.abs(counts.kappa - 0.4) < 1e-12);
    assert.equal(data.pairs.length, 10);
    assert.equal(
      choiceMatrix(counts),
      [
        'people↓ scorer→  jpg_1    tie  jpg_0',
        'jpg_1                3      1      1',
        'tie                  1      1      0',
        'jpg_0                1      1      3',
      ].join('\n'),
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

  it('asks a scorer that takes many prompts at once about pictures of several', async () => {
    const { selector } = byBrightness();
    const calls: number[][] = [];
    const scoreMany: Selector['scoreMany'] = (images, prompts) => {
      const values = images.map(({ data: [value] }) => value as number);
      calls.push(values.map((value, i) => (prompts[i] === 'a' ? value : -value)));
      return values;
    };
    const one = await chooseWinners(dataOf(PAIRS), selector);
    const many = await chooseWinners(dataOf(PAIRS), { ...selector, scoreMany });
    assert.deepEqual(many.counts, one.counts);
    assert.deepEqual(many.data.pairs, one.data.pairs);
    assert.deepEqual(calls, [[10, 20, 40, -30, -9, -8, -5, -4]]); // those of prompt b below zero
    calls.length = 0;
    await chooseWinners(dataOf(PAIRS), { ...selector, scoreMany }, { picturesPerCall: 5 });
    assert.deepEqual(calls, [
      [10, 20, 40, -30],
      [-9, -8, -5, -4],
    ]);
  });

  it('asks nothing twice where scores are kept, and tells how far it is', async () => {
    const kept = new Map<string, number>();
    const known: KnownScores = {
      get: (key) => kept.get(key),
      add: (scores) => {
        for (const [key, score] of scores) kept.set(key, score);
      },
    };
    const first = await chooseWinners(dataOf(PAIRS), byBrightness().selector, { known });
    assert.equal(kept.size, 8); // 10, 20, 40 of prompt a; 30, 9, 8, 5, 4 of prompt b
    const { selector, calls } = byBrightness();
    const done: number[] = [];
    const onPairs = (n: number, total: number) => done.push(n, total);
    const again = await chooseWinners(dataOf(PAIRS), selector, { known, onPairs });
    assert.deepEqual(calls, []);
    assert.deepEqual(again.counts, first.counts);
    assert.deepEqual(done, [1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 6, 6]);
    const other = await chooseWinners(dataOf([['b', 10, 20, 'jpg_0']]), selector, { known });
    assert.equal(other.counts.flips, 1);
    assert.equal(calls.length, 1); // another prompt is another question
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
