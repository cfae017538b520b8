import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { readCaption } from '../../../src/toyworld/captions';
import { Draws } from '../../../src/toyworld/draws';
import { judge, TERMS, utility } from '../../../src/toyworld/judge';
import { carePair } from '../../../src/toyworld/making/care';
import { isHeldOut } from '../../../src/toyworld/scenes';

const pairsOf = (count: number, seed: number) => {
  const draws = new Draws(new TorchGenerator(seed));
  return Array.from({ length: count }, () => carePair(draws));
};

describe('carePair', () => {
  it('shows the careful drawing on either side and says which it is', () => {
    const labels = pairsOf(40, 1).map(({ label0 }) => label0);
    const first = labels.filter((label) => label === 1).length;
    assert.ok(first > 10 && first < 30, `${first}`);
    assert.ok(labels.every((label) => label === 0 || label === 1));
  });

  it('has better careful drawings than sloppy ones, in every respect', () => {
    const pairs = pairsOf(150, 2);
    const gains = pairs.map(({ caption, images, label0 }) => {
      const [first, second] = images.map((image) => judge(image, caption));
      assert.ok(first && second);
      return label0 === 1 ? ([first, second] as const) : ([second, first] as const);
    });
    for (const term of TERMS) {
      const gain = gains.reduce((sum, [a, b]) => sum + a[term] - b[term], 0) / gains.length;
      assert.ok(gain > 0.01, `${term} ${gain}`);
    }
    const right = gains.filter(([a, b]) => utility(a) >= utility(b) - 0.05).length;
    assert.ok(right / gains.length > 0.9, `${right}`);
  });

  it('shows no held-out meaning', () => {
    assert.ok(pairsOf(60, 3).every(({ caption }) => !isHeldOut(readCaption(caption))));
  });
});
