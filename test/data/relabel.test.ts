import assert from 'node:assert/strict';
import { type PreferencePair, type PreferencePairs, relabel } from '../../src/data';

const pair = (row: number) => ({ row, winner: 'jpg_0', loser: 'jpg_1' }) as PreferencePair;
const data = {
  pairs: Array.from({ length: 400 }, (_, i) => pair(i)),
} as unknown as PreferencePairs;
const swapped = (pairs: readonly PreferencePair[]) =>
  pairs.filter(({ winner, loser }) => winner === 'jpg_1' && loser === 'jpg_0').length;

describe('relabel', () => {
  it('exchanges winner and loser of every pair', () => {
    assert.equal(swapped(relabel(data, 'reversed').pairs), 400);
  });

  it('lets a seeded coin decide', () => {
    const { pairs } = relabel(data, 'random', { seed: 3 });
    // 200 ± 4 · √(400 / 4)
    assert.ok(Math.abs(swapped(pairs) - 200) < 40);
    assert.deepEqual(pairs, relabel(data, 'random', { seed: 3 }).pairs);
    assert.notDeepEqual(pairs, relabel(data, 'random', { seed: 4 }).pairs);
  });

  it('leaves order, rows and the original alone', () => {
    const { pairs } = relabel(data, 'random');
    assert.deepEqual(
      pairs.map(({ row }) => row),
      data.pairs.map(({ row }) => row),
    );
    assert.equal(swapped(data.pairs), 0);
    assert.equal(relabel(data, 'as labelled'), data);
  });
});
