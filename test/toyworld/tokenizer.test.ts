import assert from 'node:assert/strict';
import { captionWords } from '../../src/toyworld/captions';
import { learnMerges, worldTokenizer } from '../../src/toyworld/tokenizer';

describe('learnMerges', () => {
  it('merges the most frequent neighbours first', () => {
    // a·b</w> twice, c·a·b</w>: "a b</w>" occurs three times, then only "c ab</w>" is left
    assert.deepEqual(learnMerges(['ab', 'ab', 'cab']), [
      ['a', 'b</w>'],
      ['c', 'ab</w>'],
    ]);
  });
});

describe('worldTokenizer', () => {
  const tokenizer = worldTokenizer();

  it('makes one token of every word of a caption, a different one of each', () => {
    const ids = captionWords().map((word) => tokenizer.textIds(word));
    assert.ok(ids.every(({ length }) => length === 1));
    assert.equal(new Set(ids.flat()).size, captionWords().length);
  });

  it('has the end marks last, as CLIP has', () => {
    const size = tokenizer.definition.vocab.size;
    assert.deepEqual([tokenizer.bosId, tokenizer.eosId], [size - 2, size - 1]);
    const { inputIds } = tokenizer.encode(['']);
    assert.equal(inputIds[0], size - 2);
    assert.ok(inputIds.subarray(1).every((id) => id === size - 1));
  });

  it('can encode any other text', () => {
    const ids = tokenizer.textIds('Ein blauer Käfer 🪲');
    assert.ok(ids.length > 4 && ids.every((id) => id < size(tokenizer)));
  });
});

const size = ({ definition }: ReturnType<typeof worldTokenizer>) => definition.vocab.size;
