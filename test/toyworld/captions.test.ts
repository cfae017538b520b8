import assert from 'node:assert/strict';
import { TorchGenerator } from '../../src/random';
import {
  captionOf,
  captionWords,
  drawCaption,
  LONGEST_CAPTION,
  readCaption,
} from '../../src/toyworld/captions';
import { Draws } from '../../src/toyworld/draws';
import { TEXT_LENGTH } from '../../src/toyworld/model-configs';
import { allMeanings } from '../../src/toyworld/scenes';

describe('captions', () => {
  it('says a meaning in the usual words', () => {
    const meaning = { colour: 'orange', shape: 'star', background: 'navy' } as const;
    const plain = { ...meaning, size: 'medium', place: 'centre' } as const;
    assert.equal(captionOf(plain), 'an orange star on a navy background');
    const small = { ...meaning, size: 'small', place: 'left' } as const;
    assert.equal(captionOf(small), 'a small orange star at the left on a navy background');
  });

  it('is read back to the meaning it was drawn from', () => {
    const draws = new Draws(new TorchGenerator(1));
    for (const meaning of allMeanings()) {
      assert.deepEqual(readCaption(captionOf(meaning)), meaning);
      assert.deepEqual(readCaption(drawCaption(meaning, draws)), meaning);
    }
  });

  it('uses at least 60 words and fits the text encoder', () => {
    assert.ok(captionWords().length >= 60);
    const draws = new Draws(new TorchGenerator(2));
    const lengths = allMeanings().map((m) => drawCaption(m, draws).split(' ').length);
    assert.equal(Math.max(...lengths) + 2, LONGEST_CAPTION);
    assert.ok(LONGEST_CAPTION <= TEXT_LENGTH);
  });

  it('uses every word', () => {
    const draws = new Draws(new TorchGenerator(3));
    const used = new Set(allMeanings().flatMap((m) => drawCaption(m, draws).split(' ')));
    assert.deepEqual([...used].sort(), [...captionWords()].sort());
  });

  it('refuses words it does not know and captions without a shape', () => {
    assert.throws(() => readCaption('a red dog on a white background'), /no word "dog"/);
    assert.throws(() => readCaption('a red picture on a white background'), /names no shape/);
  });
});
