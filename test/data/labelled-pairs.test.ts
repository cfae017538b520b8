import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  cohensKappa,
  labelAgreement,
  labelledPairs,
  openOwnPairs,
  openUnlabelled,
} from '../../src/data';
import { type LabelLine, LabelWriter } from '../../src/data/label-file';
import { digestOf } from '../../src/data/labelled-pairs';
import { pairPicture } from '../../src/data/rows';
import { openTrainingData } from '../../src/data/training-data';
import { labelWinRate } from '../../src/scoring';
import { greyPng, jsonLines, listOfPairs, writeFiles } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

type Given = readonly [pair: number, label_0: LabelLine['label_0'], labeller?: string];

/** A list of pairs and a file with labels of it, in a folder beside. */
async function labelled(root: string, count: number, given: readonly Given[]): Promise<string> {
  await listOfPairs(join(root, 'pairs'), count);
  const path = join(root, 'people', 'labels.jsonl');
  const writer = await LabelWriter.open(path, '../pairs/pairs.jsonl');
  for (const [i, label_0, labeller = 'anna'] of given) {
    const sha256 = [digestOf(await greyPng(2 * i)), digestOf(await greyPng(2 * i + 1))] as const;
    writer.add({ pair: `${i}-a.png|${i}-b.png`, label_0, labeller, left: 'jpg_1', sha256, at: '' });
  }
  writer.close();
  return path;
}

describe('labelledPairs', () => {
  it('gives the pairs with a winner, in the order of the pairs, and counts the ties', () =>
    inTemporaryFolder(async (root) => {
      const path = await labelled(root, 5, [
        ...([
          [3, 0],
          [0, 1],
          [1, 0.5],
          [4, 1],
          [4, null],
        ] as const),
      ]);
      const { pairs, counts, pictures } = await labelledPairs(path);
      assert.deepEqual(
        pairs.map(({ caption, winner }) => [caption, winner]),
        [
          ['pair 0', 'jpg_0'],
          ['pair 3', 'jpg_1'],
        ],
      );
      assert.deepEqual([counts.total, counts.kept, counts.ties], [3, 2, 1]);
      const [, third] = pairs;
      assert.equal(third && (await pairPicture({ pictures }, third, third.winner)).data[0], 7);
      const trained = await openTrainingData({ trainDataDir: path });
      const unsigned = pairs.map(({ models: _, ...pair }) => pair);
      assert.deepEqual([trained.pairs, trained.counts], [unsigned, counts]);
      assert.deepEqual(pairs[1]?.models, ['base', 'DPO']);
      const own = await openOwnPairs(path);
      assert.deepEqual(own.pairs[0]?.models, ['base', 'DPO']);
    }));

  it('lets the mean of several people decide, or one of them', () =>
    inTemporaryFolder(async (root) => {
      const path = await labelled(root, 4, [
        ...([
          [0, 1],
          [0, 0.5, 'bert'],
          [1, 1],
          [1, 0, 'bert'],
          [2, 0, 'bert'],
          [3, 0.5],
        ] as const),
      ]);
      const winners = async (labeller?: string) =>
        (await labelledPairs(path, labeller === undefined ? {} : { labeller })).pairs.map(
          ({ row, winner }) => `${row} ${winner}`,
        );
      assert.deepEqual(await winners(), ['0 jpg_0', '2 jpg_1']);
      assert.deepEqual(await winners('anna'), ['0 jpg_0', '1 jpg_0']);
      assert.deepEqual(await winners('bert'), ['1 jpg_1', '2 jpg_1']);
      await assert.rejects(winners('carl'), /has no labels by "carl"; it has "anna", "bert"\./);
    }));

  it('refuses a picture that is not the one that was shown, and labels of pairs that are gone', () =>
    inTemporaryFolder(async (root) => {
      const path = await labelled(root, 2, [[1, 1]]);
      await writeFiles(join(root, 'pairs'), { '1-b.png': 99 });
      const { pairs, pictures } = await labelledPairs(path);
      const [pair] = pairs;
      assert.ok(pair);
      await pairPicture({ pictures }, pair, 'jpg_0');
      await assert.rejects(
        pairPicture({ pictures }, pair, 'jpg_1'),
        /^RangeError: Picture "jpg_1" of "1-a\.png\|1-b\.png" is not the one that was labelled; label it again\.$/,
      );
      await listOfPairs(join(root, 'pairs'), 1);
      await assert.rejects(
        labelledPairs(path),
        /has a label of "1-a\.png\|1-b\.png"; ".*" has no such pair/,
      );
    }));
});

describe('openUnlabelled', () => {
  it('asks for a text of each pair, and a name of its own', () =>
    inTemporaryFolder(async (root) => {
      const row = { prompt: 'a', jpg_0: '1.png', jpg_1: '2.png' };
      await writeFiles(root, {
        'twice.jsonl': jsonLines(row, row),
        'silent.jsonl': jsonLines(row, { ...row, prompt: 7 }),
      });
      await assert.rejects(
        openUnlabelled(join(root, 'twice.jsonl')),
        /Two pairs of ".*" are called "1\.png\|2\.png"/,
      );
      await assert.rejects(
        openUnlabelled(join(root, 'silent.jsonl')),
        /Row 1 of ".*" has no text to show/,
      );
    }));
});

describe('cohensKappa', () => {
  it('is that of a table worked out by hand', () => {
    // two people over 200 in three kinds: p_o 140/200, p_e 0.6 · 0.5 + 0.3 · 0.3 + 0.1 · 0.2 = 0.41, κ = 0.29/0.59
    const counts = [
      [88, 14, 18],
      [10, 40, 10],
      [2, 6, 12],
    ];
    const [a, b]: [number[], number[]] = [[], []];
    for (const [i, row] of counts.entries())
      for (const [j, n] of row.entries())
        for (let k = 0; k < n; k++) {
          a.push(i);
          b.push(j);
        }
    const { n, agreement, kappa } = cohensKappa(a, b);
    assert.deepEqual([n, agreement], [200, 0.7]);
    assert.ok(Math.abs(kappa - 0.29 / 0.59) < 1e-12, `${kappa}`);
  });

  it('is 1 for the same answers, 0 for those of chance, and below for worse', () => {
    assert.equal(cohensKappa([1, 1], [1, 1]).kappa, 1);
    assert.equal(cohensKappa([1, 1, 0, 0], [1, 0, 1, 0]).kappa, 0);
    assert.equal(cohensKappa([1, 0], [0, 1]).kappa, -1);
    assert.throws(() => cohensKappa([1], []), /1 answers are compared with 0/);
    assert.throws(() => cohensKappa([], []), /No question was answered by both/);
  });

  it('is told of two people over what both answered', () =>
    inTemporaryFolder(async (root) => {
      const path = await labelled(root, 5, [
        ...([
          [0, 1],
          [1, 0],
          [2, 0.5],
          [3, 1],
        ] as const),
        ...([
          [4, 0, 'bert'],
          [2, 0, 'bert'],
          [1, 0, 'bert'],
          [0, 1, 'bert'],
        ] as const),
      ]);
      // both: 0 1|1, 1 0|0, 2 ½|0; p_o = 2/3, p_e = 1/3·1/3 + 1/3·2/3 = 1/3, κ = 1/2
      const { n, kappa } = labelAgreement(path);
      assert.equal(n, 3);
      assert.ok(Math.abs(kappa - 0.5) < 1e-12);
      assert.throws(() => labelAgreement(path, ['anna', 'carl']), /has no labels by "carl"/);
      const writer = await LabelWriter.open(path, '../pairs/pairs.jsonl');
      writer.add({
        pair: 'x',
        label_0: 1,
        labeller: 'carl',
        left: 'jpg_0',
        sha256: ['', ''],
        at: '',
      });
      writer.close();
      assert.throws(() => labelAgreement(path), /has the labels of 3 people; name the two/);
    }));
});

describe('labelWinRate', () => {
  it('counts how often the pictures of one model were chosen, ties half', () =>
    inTemporaryFolder(async (root) => {
      const path = await labelled(root, 6, [
        ...([
          [0, 0],
          [1, 0],
          [2, 0],
          [3, 1],
          [4, 0.5],
        ] as const), // DPO drew jpg_1
      ]);
      const { mean, n, wins, losses, ties, low, high } = await labelWinRate(path, 'DPO');
      assert.deepEqual([mean, n, wins, losses, ties], [0.7, 5, 3, 1, 1]);
      assert.ok(low < 0.7 && high > 0.7);
      assert.ok(Math.abs((await labelWinRate(path, 'base')).mean - 0.3) < 1e-12);
      await assert.rejects(
        labelWinRate(path, 'other'),
        /has no label of "other" against another model/,
      );
    }));
});
