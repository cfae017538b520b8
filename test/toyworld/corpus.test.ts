import assert from 'node:assert/strict';
import { TorchGenerator } from '../../src/random';
import { drawCorpus, lookalikes } from '../../src/toyworld/corpus';
import { Draws } from '../../src/toyworld/draws';
import type { Meaning } from '../../src/toyworld/scenes';

describe('lookalikes', () => {
  const corpus = drawCorpus(300, new TorchGenerator(1));
  const choose = lookalikes(corpus, 6);
  const groupsOf = (seed: number) => {
    const chosen = choose(40, new Draws(new TorchGenerator(seed)));
    return Array.from({ length: 40 }, (_, g) =>
      Array.from(chosen.slice(6 * g, 6 * g + 6), (index) => corpus.meanings[index] as Meaning),
    );
  };
  const shared = (group: readonly Meaning[]) =>
    (['colour', 'shape', 'background'] as const).filter(
      (key) => new Set(group.map((meaning) => meaning[key])).size === 1,
    );

  it('share two of colour, shape and background at least, and every two of them by turns', () => {
    const groups = groupsOf(2).map(shared);
    assert.ok(groups.every(({ length }) => length >= 2));
    const exactly = new Set(groups.filter(({ length }) => length === 2).map(String));
    assert.deepEqual([...exactly].sort(), [
      'colour,background',
      'colour,shape',
      'shape,background',
    ]);
  });

  it('are the same for the same seed only', () => {
    assert.deepEqual(groupsOf(3), groupsOf(3));
    assert.notDeepEqual(groupsOf(3), groupsOf(4));
  });
});
