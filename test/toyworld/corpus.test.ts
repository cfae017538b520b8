import assert from 'node:assert/strict';
import { TorchGenerator } from '../../src/random';
import { corpusImage, corpusPixels, drawCorpus } from '../../src/toyworld/corpus';
import { isHeldOut, PICTURE_SIZE } from '../../src/toyworld/scenes';
import { assertClose } from '../support/assert';

describe('drawCorpus', () => {
  const corpus = drawCorpus(50, new TorchGenerator(1));

  it('is the same for the same seed only, and holds nothing out', () => {
    assert.deepEqual(drawCorpus(50, new TorchGenerator(1)), corpus);
    assert.notDeepEqual(drawCorpus(50, new TorchGenerator(2)).bytes, corpus.bytes);
    assert.ok(corpus.meanings.every((meaning) => !isHeldOut(meaning)));
  });

  it('gives one of its pictures as bytes or as numbers', () => {
    const { width, height, data } = corpusImage(corpus, 7);
    assert.deepEqual([width, height, data.length], [PICTURE_SIZE, PICTURE_SIZE, 3072]);
    const expected = Float32Array.from(data, (x) => x / 127.5 - 1);
    assertClose(corpusPixels(corpus, Int32Array.of(7)), expected, { atol: 1e-6 });
  });
});
