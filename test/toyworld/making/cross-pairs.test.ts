import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { captionOf, readCaption } from '../../../src/toyworld/captions';
import { Draws } from '../../../src/toyworld/draws';
import { judge, utility } from '../../../src/toyworld/judge';
import { crossPairs } from '../../../src/toyworld/making/cross-pairs';
import type { ScoredPair } from '../../../src/toyworld/making/scorer-batch';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene, isHeldOut } from '../../../src/toyworld/scenes';

const given: ScoredPair[] = allMeanings()
  .filter((meaning, i) => i % 17 === 0 && !isHeldOut(meaning))
  .map((meaning) => ({
    caption: captionOf(meaning),
    images: [render(cleanScene(meaning)), render({ ...cleanScene(meaning), vividness: 0.4 })],
    label0: 1,
  }));

describe('crossPairs', () => {
  const choose = crossPairs(given);
  const draws = new Draws(new TorchGenerator(1));
  const drawn = Array.from({ length: 300 }, () => choose(draws));
  const worths = drawn.map(({ caption, images }) =>
    images.map((image) => utility(judge(image, caption))),
  );

  it('shows given pictures under a given caption, of which one was made for it', () => {
    const made = new Map(given.flatMap(({ caption, images }) => images.map((i) => [i, caption])));
    for (const { caption, images } of drawn) {
      const captions = images.map((image) => made.get(image) ?? 'drawn anew');
      assert.ok(captions.includes(caption), `${caption}: ${captions}`);
      const [a, b] = captions.map(readCaption);
      assert.ok(a && b && (a.shape === b.shape || a.colour === b.colour), `${captions}`);
    }
  });

  it('has labels that follow the judge, whichever side the better picture is on', () => {
    const clear = drawn.filter(
      (_, i) => Math.abs((worths[i]?.[0] ?? 0) - (worths[i]?.[1] ?? 0)) > 1,
    );
    const sides = clear.map(({ label0 }) => label0);
    assert.ok(clear.length > 100, `${clear.length}`);
    assert.ok(sides.filter((s) => s === 1).length > clear.length / 4, `${sides}`);
    assert.ok(sides.filter((s) => s === 0).length > clear.length / 4, `${sides}`);
    const agree = drawn.filter(({ label0 }, i) => {
      const [first = 0, second = 0] = worths[i] ?? [];
      return Math.abs(first - second) > 1 && (label0 === 1) === first > second;
    });
    assert.ok(agree.length / clear.length > 0.95, `${agree.length} of ${clear.length}`); // e^(1 / 0.22) to 1
  });
});
