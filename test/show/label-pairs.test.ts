import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readLabels } from '../../src/data';
import { labelPairs } from '../../src/show';
import { labelsBeside } from '../../src/show/label-pairs';
import type { MimeBundle } from '../../src/show/notebook';
import { clickLinks } from '../support/label-clicker';
import { enter } from '../support/label-client';
import { listOfPairs } from '../support/own-pairs';
import { inTemporaryFolder } from '../support/temporary';

const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

/** Runs `fn` as in a notebook; what it shows comes in one list, by places. */
async function inNotebook<T>(
  fn: (shown: (readonly [id: string, bundle: MimeBundle])[]) => Promise<T>,
): Promise<T> {
  const shown: (readonly [string, MimeBundle])[] = [];
  const value = {
    display: (bundle: MimeBundle, { displayId = '' } = {}) => shown.push([displayId, bundle]),
    update: (displayId: string, bundle: MimeBundle) => shown.push([displayId, bundle]),
    signal: new AbortController().signal,
  };
  Object.defineProperty(globalThis, NOTEBOOK, { value, configurable: true });
  try {
    return await fn(shown);
  } finally {
    Reflect.deleteProperty(globalThis, NOTEBOOK);
  }
}

describe('labelPairs', () => {
  it('waits for the answers, gives them, and leaves no link behind', () =>
    inNotebook((shown) =>
      inTemporaryFolder(async (root) => {
        const pairs = await listOfPairs(root, 3);
        const links = join(root, 'links');
        process.env.DPO_LABEL_LINKS = links;
        const clicker = clickLinks(links, ({ index }) => (index === 1 ? 'tie' : 'left'));
        try {
          const { byLabeller, path } = await labelPairs(pairs);
          assert.equal(path, join(root, 'labels.jsonl'));
          assert.equal(byLabeller.get('me')?.size, 3);
          assert.equal(byLabeller.get('me')?.get('1-a.png|1-b.png')?.label_0, 0.5);
          assert.deepEqual(await clicker.stop(), [3]);
        } finally {
          delete process.env.DPO_LABEL_LINKS;
        }
        const [[firstId, first], [lastId, last]] = shown as [(typeof shown)[0], (typeof shown)[0]];
        assert.deepEqual([shown.length, firstId], [2, lastId]);
        assert.match(
          String(first['text/plain']),
          /^3 pairs to label; open this, once:\nhttp:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/,
        );
        const tickets = [...String(first['text/html']).matchAll(/[#"]([\w-]{43})"/g)].map(
          ([, ticket]) => ticket,
        );
        assert.equal(new Set(tickets).size, 2, 'of the cell and of the page of its own');
        assert.equal(
          last['text/plain'],
          `3 of 3 pairs answered by me, kept in ${join(root, 'labels.jsonl')}`,
        );
        assert.doesNotMatch(JSON.stringify(last), /http|<script|<button/);
      }),
    ));

  it('stops when it is told to, with what was answered, and goes on there', () =>
    inNotebook((shown) =>
      inTemporaryFolder(async (root) => {
        const pairs = await listOfPairs(root, 3);
        const file = join(root, 'mine.jsonl');
        const controller = new AbortController();
        const waiting = labelPairs(pairs, { file, labeller: 'bo', signal: controller.signal });
        while (shown.length === 0) await new Promise((wake) => setTimeout(wake, 10));
        const [link = ''] = /http\S+$/.exec(String(shown[0]?.[1]['text/plain'])) ?? [];
        const { askJson } = await enter(link);
        await askJson('POST', '/choice', { pair: 2, choice: 'left' });
        controller.abort();
        await assert.rejects(waiting, { name: 'AbortError' });
        assert.equal(readLabels(file).byLabeller.get('bo')?.size, 1);
        assert.match(String(shown.at(-1)?.[1]['text/plain']), /^1 of 3 pairs answered by bo/);
        await assert.rejects(askJson('GET', '/state/0'), /fetch failed/);

        const again = new AbortController();
        const further = labelPairs(pairs, { file, labeller: 'bo', signal: again.signal });
        while (shown.length < 3) await new Promise((wake) => setTimeout(wake, 10));
        assert.match(String(shown[2]?.[1]['text/plain']), /^2 of 3 pairs to label/);
        again.abort();
        await assert.rejects(further, { name: 'AbortError' });
      }),
    ));

  it('keeps the labels beside the pairs, whatever form those have', () => {
    assert.equal(labelsBeside('a/candidates'), join('a/candidates', 'labels.jsonl'));
    assert.equal(
      labelsBeside('a/candidates/candidates.jsonl'),
      join('a/candidates', 'labels.jsonl'),
    );
    assert.equal(labelsBeside('a/pairs.csv'), join('a', 'labels.jsonl'));
    assert.equal(labelsBeside('a/x.PARQUET'), join('a', 'labels.jsonl'));
  });
});
