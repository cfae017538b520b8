import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openOwnPairs } from '../../src/data';
import { DISPLAY, lookOf } from '../../src/show';
import { jsonLines, writeFiles } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

describe('own pairs in a notebook', () => {
  it('show some of them, and what is wrong with others', () =>
    inTemporaryFolder(async (root) => {
      const row = { prompt: 'a <star>', chosen: '1.png', rejected: '2.png' };
      const list = jsonLines(row, ...Array.from({ length: 22 }, () => row));
      await writeFiles(root, { '1.png': 1, '2.png': 2, 'x.jsonl': list });
      const own = await openOwnPairs(join(root, 'x.jsonl'));
      const bundle = await lookOf(own)?.[DISPLAY]();
      const text = String(bundle?.['text/plain']);
      assert.match(text, /^1 pairs: kept 1 of 23, 22 told before\n/);
      assert.equal(text.match(/ repeats row 0\./g)?.length, 20);
      const html = String(bundle?.['text/html']);
      assert.match(html, /22 rows to look at.*and 2 more, in \.problems/s);
      assert.doesNotMatch(html, /<star>/);
    }));
});
