/** 20,000 odd texts against transformers: by hash, a hundred at a time. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClipTokenizer } from '../../../src/models/tokenizer';
import { loadTokenizer } from '../../../src/models/tokenizer-files';
import { fixturePath, jsonFixture } from '../../support/fixtures';
import { inTemporaryFolder } from '../../support/temporary';
import { BLOCK, corpus } from '../../support/tokenizer-corpus';

interface Hashes {
  readonly first?: number[][];
  readonly hashes: string[];
}

interface Corpus {
  readonly texts: string[];
  readonly tokenizers: Record<'end' | '!', Hashes>;
  /** What of long texts is not read, by their positions. */
  readonly cut: Record<string, string>;
}

const made = jsonFixture<Corpus>('tokenizer', 'corpus.json');
const digest = (data: string | Uint8Array) =>
  createHash('sha256').update(data).digest('hex').slice(0, 16);

/** As make_tokenizer_corpus.py has them: count, all ids, and 77 of them padded or cut. */
function idsOf(tokenizer: ClipTokenizer, text: string): number[] {
  const whole = [tokenizer.bosId, ...tokenizer.textIds(text), tokenizer.eosId];
  return [whole.length, ...whole, ...tokenizer.encode([text]).inputIds];
}

describe('ClipTokenizer, on 20,000 texts', () => {
  const texts = corpus(made.texts.length * BLOCK);
  const blocks = made.texts.map((_, i) => texts.slice(i * BLOCK, (i + 1) * BLOCK));

  it('is given the texts that transformers was given', () => {
    assert.equal(texts.length, 20_000);
    assert.deepEqual(
      blocks.map((block) => digest(block.join('\0'))),
      made.texts,
    );
  });

  it('tells the same end of long texts that is cut off', async () => {
    const tokenizer = await loadTokenizer(fixturePath('tokenizer', 'words'));
    const long = Object.entries(made.cut);
    assert.ok(long.length > 100);
    for (const [i, text] of long) assert.equal(tokenizer.cutOff(texts[Number(i)] ?? ''), text, i);
    assert.equal(tokenizer.cutOff('!'.repeat(75)), undefined);
  });

  for (const [pad, { first, hashes }] of Object.entries(made.tokenizers))
    it(`agrees with transformers on every one, padded by ${pad}`, () =>
      inTemporaryFolder(async (folder) => {
        cpSync(fixturePath('tokenizer', 'words'), folder, { recursive: true });
        const path = join(folder, 'tokenizer_config.json');
        const config = JSON.parse(readFileSync(path, 'utf8'));
        if (pad !== 'end') writeFileSync(path, JSON.stringify({ ...config, pad_token: pad }));
        const tokenizer = await loadTokenizer(folder);
        const ids = blocks.map((block) => block.map((text) => idsOf(tokenizer, text)));
        const whole = ids[0]?.map(([count = 0, ...row]) => row.slice(0, count));
        if (first) assert.deepEqual(whole, first);
        const differing = ids.flatMap((block, i) =>
          digest(new Uint8Array(Int32Array.from(block.flat()).buffer)) === hashes[i] ? [] : [i],
        );
        assert.deepEqual(differing, [], 'blocks that differ');
      }));
});
