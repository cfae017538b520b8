import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WordPieceTokenizer } from '../../src/models/word-piece';
import { IMAGE_REWARD_FOLDER, selectorFixture as python } from '../support/scoring';

describe('WordPieceTokenizer', () => {
  const pieces = readFileSync(join(IMAGE_REWARD_FOLDER, 'vocab.txt'), 'utf8').trim().split('\n');
  const vocab = new Map([...pieces, '[DEC]', '[ENC]'].map((piece, id) => [piece, id]));

  it("gives the ids of transformers' BertTokenizer, cut to 35", () => {
    const tokenizer = new WordPieceTokenizer(vocab, 35, ['[DEC]', '[ENC]']);
    for (const [i, text] of python.piecesOf.entries())
      assert.deepEqual(tokenizer.encode(text), python.pieces[i], JSON.stringify(text));
  });

  it('refuses a vocabulary without a special token', () => {
    const few = new Map([['[UNK]', 0]]);
    assert.throws(() => new WordPieceTokenizer(few, 35), /vocabulary lacks the token "\[SEP\]"/);
  });
});
