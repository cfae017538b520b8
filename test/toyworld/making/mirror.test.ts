import assert from 'node:assert/strict';
import { TorchGenerator } from '../../../src/random';
import { captionOf, readCaption } from '../../../src/toyworld/captions';
import { Draws } from '../../../src/toyworld/draws';
import { judge, TERMS } from '../../../src/toyworld/judge';
import { type Mirror, mirrored, mirroredByChance } from '../../../src/toyworld/making/mirror';
import type { ScoredPair } from '../../../src/toyworld/making/scorer';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene, type Meaning } from '../../../src/toyworld/scenes';
import { assertClose } from '../../support/assert';

const pairOf = (meaning: Meaning): ScoredPair => ({
  caption: captionOf(meaning),
  images: [
    render(cleanScene(meaning)),
    render({ ...cleanScene(meaning), centre: [13, 14], vividness: 0.5 }),
  ],
  label0: 1,
});

describe('mirrored', () => {
  it('leaves what the judge says as it was, for shapes that are their own mirror', () => {
    const pair = pairOf({
      colour: 'green',
      shape: 'ring',
      background: 'black',
      size: 'small',
      place: 'left',
    });
    for (const mirror of ['horizontal', 'vertical'] as Mirror[]) {
      const other = mirrored(pair, mirror);
      pair.images.forEach((image, i) => {
        const [before, after] = [
          judge(image, pair.caption),
          judge(other.images[i] ?? image, other.caption),
        ];
        for (const term of TERMS)
          assertClose(after[term], before[term], { rtol: 1e-3, label: term });
      });
    }
    assert.equal(readCaption(mirrored(pair, 'horizontal').caption).place, 'right');
    assert.equal(mirrored(pair, 'vertical').caption, pair.caption);
  });

  it('is undone by doing it again', () => {
    const pair = pairOf(allMeanings()[77] as Meaning);
    assert.deepEqual(mirrored(mirrored(pair, 'vertical'), 'vertical'), pair);
  });
});

describe('mirroredByChance', () => {
  it('never shows a shape that is not drawn', () => {
    const draws = new Draws(new TorchGenerator(1));
    for (const meaning of allMeanings().filter((_, i) => i % 97 === 0)) {
      const { images, caption } = mirroredByChance(pairOf(meaning), draws);
      assert.ok(judge(images[0], caption).shape > 0.9, caption);
    }
  });
});
