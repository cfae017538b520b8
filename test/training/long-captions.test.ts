import assert from 'node:assert/strict';
import { loadTokenizer } from '../../src/models/tokenizer-files';
import { notingLongCaptions } from '../../src/training/long-captions';
import { fixturePath } from '../support/fixtures';

describe('notingLongCaptions', () => {
  it('tells of the first that is longer than is read, once, and changes nothing', async () => {
    const tokenizer = await loadTokenizer(fixturePath('tokenizer', 'words'));
    const notes: string[] = [];
    const encoder = notingLongCaptions(tokenizer, (sentence) => notes.push(sentence));
    const [short, long] = ['a '.repeat(75), `${'a '.repeat(75)}Cat!`];
    assert.deepEqual(encoder.encode([short]), tokenizer.encode([short]));
    assert.deepEqual(notes, []);
    for (let i = 0; i < 2; i++)
      assert.deepEqual(encoder.encode([short, long]), tokenizer.encode([short, long]));
    const told = 'Captions are read to their token 75; the first that is longer loses: "cat !".';
    assert.deepEqual(notes, [told]);
  });
});
