import assert from 'node:assert/strict';
import { unescapeHtml } from '../../src/models/html-entities';
import { loadTokenizer } from '../../src/models/tokenizer-files';
import { OpenClipTokenizer } from '../../src/models/tokenizer-open-clip';
import { selectorFixture, TINY_CLIP } from '../support/scoring';

describe('OpenClipTokenizer', () => {
  it("gives open_clip's ids: repaired, unescaped, cut to the context, padded with 0", async () => {
    const tokenizer = new OpenClipTokenizer(await loadTokenizer(TINY_CLIP), 24);
    for (const { text, ids } of selectorFixture.texts)
      assert.deepEqual([...tokenizer.encode([text]).inputIds], ids, JSON.stringify(text));
  });
});

describe('unescapeHtml', () => {
  it("reads references as Python's html.unescape does", () => {
    for (const [text, plain] of selectorFixture.unescaped)
      assert.equal(unescapeHtml(text), plain, JSON.stringify(text));
  });
});
