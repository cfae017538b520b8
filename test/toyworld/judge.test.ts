import assert from 'node:assert/strict';
import type { RgbImage } from '../../src/data/image';
import { TorchGenerator } from '../../src/random';
import { captionOf } from '../../src/toyworld/captions';
import {
  BEST_UTILITY,
  judge,
  judgeMeaning,
  TERMS,
  type Term,
  utility,
} from '../../src/toyworld/judge';
import { render } from '../../src/toyworld/render';
import {
  allMeanings,
  BACKGROUNDS,
  cleanScene,
  type Meaning,
  type Rgb,
  type Scene,
} from '../../src/toyworld/scenes';

const meanings = allMeanings().filter((_, i) => i % 29 === 0);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const meanUtility = (draw: (meaning: Meaning) => RgbImage) =>
  mean(meanings.map((m) => utility(judgeMeaning(draw(m), m))));

const picture = (at: (i: number) => number): RgbImage => ({
  width: 32,
  height: 32,
  data: Uint8Array.from({ length: 3072 }, (_, i) => at(i)),
});
const flat = (colour: Rgb) => picture((i) => colour[(i % 3) as 0 | 1 | 2]);

const star: Meaning = {
  colour: 'blue',
  shape: 'star',
  background: 'cream',
  size: 'medium',
  place: 'centre',
};
const termOf = (term: Term, change: Partial<Scene>) =>
  judgeMeaning(render({ ...cleanScene(star), ...change }), star)[term];

/** Fails unless the term falls with every further change. */
function assertFalls(term: Term, changes: readonly Partial<Scene>[]) {
  const values = changes.map((change) => termOf(term, change));
  values.reduce((before, value) => {
    assert.ok(value < before, `${term}: ${values}`);
    return value;
  });
}

const dots = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    x: 3 + 9 * (i % 4),
    y: i < 4 ? 2 : 29,
    radius: 1.8,
    colour: [200, 20, 20] as Rgb,
  }));

describe('judge', () => {
  it('gives clean pictures nearly the best utility, every term', () => {
    for (const meaning of meanings) {
      const terms = judge(render(cleanScene(meaning)), captionOf(meaning));
      for (const term of TERMS)
        assert.ok(terms[term] > 0.6 && terms[term] <= 1, `${captionOf(meaning)}: ${term}`);
      assert.ok(utility(terms) > 0.9 * BEST_UTILITY, captionOf(meaning));
    }
  });

  it('gives a clean picture of something else less, in the term that is wrong', () => {
    const wrong: Record<string, Partial<Meaning>> = {
      colour: { colour: 'red' },
      shape: { shape: 'ring' },
      background: { background: 'black' },
      size: { size: 'small' },
      place: { place: 'top' },
    };
    for (const [term, change] of Object.entries(wrong)) {
      const terms = judgeMeaning(render(cleanScene({ ...star, ...change })), star);
      assert.ok(terms[term as Term] < 0.6, `${term}: ${terms[term as Term]}`);
    }
  });

  it('sees each fault, and a greater fault as worse', () => {
    assertFalls(
      'vivid',
      [0.8, 0.5, 0.3, 0.1].map((vividness) => ({ vividness })),
    );
    assertFalls(
      'place',
      [16, 17.5, 19, 21].map((x) => ({ centre: [x, 16] })),
    );
    assertFalls(
      'size',
      [190, 250, 300, 350].map((area) => ({ area })),
    );
    assertFalls(
      'clean',
      [0, 2, 4, 8].map((n) => ({ blemishes: dots(n) })),
    );
  });
});

describe('utility of degenerate pictures', () => {
  const clean = meanUtility((m) => render(cleanScene(m)));

  it('is nothing for blank pictures, even of the right background', () => {
    assert.equal(
      meanUtility((m) => flat(BACKGROUNDS[m.background])),
      0,
    );
    assert.equal(
      meanUtility(() => flat([255, 0, 0])),
      0,
    );
  });

  it('is low for noise, gray or saturated', () => {
    const generator = new TorchGenerator(6);
    const noise = () => generator.rand(1)[0] ?? 0;
    assert.ok(meanUtility(() => picture(() => 256 * noise())) < 0.3 * clean);
    assert.ok(meanUtility(() => picture(() => (noise() < 0.5 ? 0 : 255))) < 0.3 * clean);
  });

  it('is low for one perfect picture under every caption', () => {
    const same = render(cleanScene(star));
    assert.ok(meanUtility(() => same) < 0.5 * clean);
  });
});
