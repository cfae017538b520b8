import assert from 'node:assert/strict';
import type { PreferencePair, PreferencePairs } from '../../src/data';
import { withLabelNoise } from '../../src/data';

const data: PreferencePairs = {
  pairs: Array.from({ length: 40 }, (_, row): PreferencePair => {
    const [winner, loser] =
      row % 3 === 0 ? (['jpg_1', 'jpg_0'] as const) : (['jpg_0', 'jpg_1'] as const);
    return {
      caption: `${row}`,
      winner,
      loser,
      file: { path: 'x' },
      row,
      rowGroup: 0,
      rowInGroup: row,
    };
  }),
  pictures: { get: () => Promise.reject(new Error('no picture is looked at')) },
  counts: { total: 40, kept: 40, ties: 0, unlabelled: 0, notDreamlike: 0, notChosen: 0 },
};

/** Rows whose winner is another than before. */
const wrong = ({ pairs }: PreferencePairs) =>
  pairs.filter(({ row, winner }) => winner !== data.pairs[row]?.winner).map(({ row }) => row);

describe('withLabelNoise', () => {
  it('exchanges exactly the share, those of a smaller one among them', () => {
    let before: number[] = [];
    for (const flipped of [0, 0.1, 0.25, 0.5, 1]) {
      const { data: noisy, counts } = withLabelNoise(data, { flipped, seed: 3 });
      const rows = wrong(noisy);
      assert.deepEqual([rows.length, counts.accuracy], [40 * flipped, 1 - flipped]);
      assert.ok(before.every((row) => rows.includes(row)));
      assert.ok(noisy.pairs.every(({ winner, loser }) => winner !== loser));
      before = rows;
    }
    const other = wrong(withLabelNoise(data, { flipped: 0.5, seed: 4 }).data);
    assert.notDeepEqual(other, wrong(withLabelNoise(data, { flipped: 0.5, seed: 3 }).data));
  });

  it('leaves ties out, or lets a coin choose, never those that are exchanged', () => {
    const noise = { flipped: 0.25, tied: 0.5, seed: 1 };
    const left = withLabelNoise(data, noise);
    assert.deepEqual([left.counts.pairs, left.counts.tied, left.counts.flipped], [20, 20, 10]);
    assert.deepEqual([wrong(left.data).length, left.counts.accuracy], [10, 0.5]);
    const tossed = withLabelNoise(data, { ...noise, ties: 'a coin' });
    assert.equal(tossed.data.pairs.length, 40);
    const missed = wrong(tossed.data).length - 10;
    assert.ok(missed > 3 && missed < 17, `${missed} of 20 coins`);
    assert.equal(tossed.counts.accuracy, 1 - (missed + 10) / 40);
  });

  it('refuses shares that are none', () => {
    for (const noise of [
      { flipped: -0.1 },
      { tied: 1.1 },
      { flipped: 0.6, tied: 0.6 },
      { flipped: Number.NaN },
    ])
      assert.throws(
        () => withLabelNoise(data, noise),
        /they must be shares from 0 to 1, together too/,
      );
    assert.throws(() => withLabelNoise(data, { tied: 1 }), /Nothing but ties is left/);
  });
});
