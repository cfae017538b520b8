import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notebookPrompts } from '../../src/data';
import { pythonStringList } from '../../src/data/python-strings';
import { inTemporaryFolder } from '../support/temporary';

interface Case {
  readonly source: string;
  readonly strings: readonly string[];
}

const { cases } = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/data/python-strings.json'), 'utf8'),
) as { readonly cases: readonly Case[] };

describe('pythonStringList', () => {
  it("reads lists as Python's own parser does", () => {
    for (const { source, strings } of cases)
      assert.deepEqual(pythonStringList(source, 'xs'), strings, source);
  });

  it('finds no list where there is none of that name', () => {
    assert.equal(
      pythonStringList('ys = ["a"]\nxss = ["b"]\n# xs = ["c"]\nprint(xs)', 'xs'),
      undefined,
    );
  });

  const refused: readonly [source: string, why: RegExp][] = [
    ['xs = ["a", b]', /string literals alone; it has: b\]/],
    ['xs = ["a", 1]', /it has: 1\]/],
    ['xs = [f"{a}"]', /it has: f"\{a\}"/],
    ['xs = [["a"]]', /it has: \["a"\]/],
    ['xs = ["a", "b', /has no end/],
    ['xs = ["a"', /string literals alone/],
    ['xs = ["a\nb"]', /has no end/],
    ['xs = ["\\N{DASH}"]', /cannot be read: \\N/],
    ['xs = ["\\x4"]', /cannot be read: \\x/],
  ];
  it('refuses what is no string literal, and what has no end', () => {
    for (const [source, why] of refused)
      assert.throws(() => pythonStringList(source, 'xs'), why, source);
  });
});

describe('notebookPrompts', () => {
  const notebook = (...sources: readonly (string | string[])[]) =>
    JSON.stringify({
      cells: [
        { cell_type: 'markdown', source: ['example_prompts = ["no"]'] },
        ...sources.map((source) => ({ cell_type: 'code', source })),
      ],
    });

  const written = <T>(text: string, use: (path: string) => Promise<T>) =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'quick_samples.ipynb');
      writeFileSync(path, text);
      return use(path);
    });

  it('reads the list of the code cells, whose source is text or lines', async () => {
    const text = notebook(
      ['example_prompts = [\n', '    "a cat",\n', '    "a dog",\n', ']\n'],
      'x = 1',
    );
    assert.deepEqual(await written(text, notebookPrompts), ['a cat', 'a dog']);
    const named = notebook('names = ["Orig."]');
    assert.deepEqual(await written(named, (path) => notebookPrompts(path, { list: 'names' })), [
      'Orig.',
    ]);
  });

  it('says in one sentence what is missing', async () => {
    await written(notebook('x = 1'), (path) =>
      assert.rejects(notebookPrompts(path), /has no list of strings called "example_prompts"\.$/),
    );
    await written('{}', (path) =>
      assert.rejects(notebookPrompts(path), /is no notebook: it has no cells/),
    );
    await written('<html>', (path) => assert.rejects(notebookPrompts(path), /is no notebook: /));
  });
});
