import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPromptEntries, loadPrompts } from '../../src/data/prompts';
import { inTemporaryFolder } from '../support/temporary';
import { withHub } from '../support/with-hub';

const parquet = readFileSync(
  join(__dirname, '..', '..', 'data', 'pairs', 'heldout-00000-of-00001.parquet'),
);

describe('loadPrompts', () => {
  it('reads every form of a list', () =>
    inTemporaryFolder(async (folder) => {
      const forms: Record<string, string> = {
        'a.txt': 'a cat\n\na dog, "x"\n',
        'a.csv': 'id,prompt\n1,a cat\n2,"a dog, ""x"""\n',
        'a.tsv': 'Prompt\tCategory\na cat\tAnimals\na dog, "x"\tAnimals\n',
        'a.json': '["a cat", "a dog, \\"x\\""]',
        'a.jsonl': '{"text": "a cat"}\n{"text": "a dog, \\"x\\""}\n',
      };
      for (const [name, text] of Object.entries(forms)) {
        writeFileSync(join(folder, name), text);
        assert.deepEqual(await loadPrompts(join(folder, name)), ['a cat', 'a dog, "x"'], name);
      }
      await assert.rejects(
        loadPrompts(join(folder, 'a.csv'), { column: 'caption' }),
        /has no column "caption"; it has: id, prompt\./,
      );
    }));

  it('takes a data set of the hub by name, as PartiPrompts and HPD keep theirs', () =>
    withHub(async ({ hub, options }) => {
      hub.add(
        'nateraw/parti-prompts',
        { 'PartiPrompts.tsv': 'Prompt\tCategory\na cat\tx\n', 'README.md': 'x' },
        'dataset',
      );
      hub.add(
        'someone/hpd',
        { 'benchmark/anime.json': '["b"]', 'benchmark/photo.json': '["c", "d"]' },
        'dataset',
      );
      hub.add('someone/pairs', { 'data/heldout-0.parquet': parquet }, 'dataset');
      assert.deepEqual(await loadPrompts('nateraw/parti-prompts', options), ['a cat']);
      assert.deepEqual(await loadPrompts('someone/hpd', options), ['b', 'c', 'd']);
      assert.deepEqual(
        await loadPrompts('someone/hpd', { ...options, files: ['benchmark/photo.json'] }),
        ['c', 'd'],
      );
      const captions = await loadPrompts('someone/pairs', options);
      assert.ok(captions.length > 20 && captions.every((caption) => caption.length > 0));
    }));
});

describe('loadPromptEntries', () => {
  it('knows of which kind a prompt is, by the columns beside it', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'parti.tsv');
      writeFileSync(path, 'Prompt\tCategory\tChallenge\tNote\na cat\tAnimals\tBasic\tx\n');
      assert.deepEqual(await loadPromptEntries(path), [
        { prompt: 'a cat', categories: { Category: 'Animals', Challenge: 'Basic' } },
      ]);
      assert.deepEqual((await loadPromptEntries(path, { categories: ['Note'] }))[0]?.categories, {
        Note: 'x',
      });
      await assert.rejects(
        loadPromptEntries(path, { categories: ['Kind'] }),
        /has no column "Kind"; it has: Prompt, Category/,
      );
      const list = join(folder, 'list.json');
      writeFileSync(list, '["a", {"text": "b", "style": "photo"}]');
      assert.deepEqual(
        (await loadPromptEntries(list)).map(({ categories }) => categories),
        [{}, { style: 'photo' }],
      );
    }));

  it('takes the style of HPD’s prompts from the names of its files', () =>
    withHub(async ({ hub, options }) => {
      const files = { 'benchmark/anime.json': '["b"]', 'benchmark/photo.json': '["c"]' };
      hub.add('someone/hpd', files, 'dataset');
      assert.deepEqual(await loadPromptEntries('someone/hpd', options), [
        { prompt: 'b', categories: { style: 'anime' } },
        { prompt: 'c', categories: { style: 'photo' } },
      ]);
    }));
});
