import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer, saveTokenizer } from '../../src/models/tokenizer-files';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

interface Row {
  readonly texts: string[];
  readonly ids: number[][];
}

const { folders } = jsonFixture<{ folders: Record<string, Row> }>('tokenizer', 'texts.json');

function assertSameIds(
  tokenizer: Awaited<ReturnType<typeof loadTokenizer>>,
  { texts, ids }: Row,
  label: string,
) {
  const { inputIds, length } = tokenizer.encode(texts);
  assert.equal(length, 77);
  texts.forEach((text, row) => {
    const expected = Array<number>(77).fill(tokenizer.padId);
    expected.splice(0, ids[row]?.length ?? 0, ...(ids[row] ?? []));
    const ours = [...inputIds.subarray(row * 77, row * 77 + 77)];
    assert.deepEqual(ours, expected, `${label}: ${JSON.stringify(text)}`);
  });
}

describe('ClipTokenizer', () => {
  it('agrees with transformers on more than 400 texts', async () => {
    const row = folders.words as Row;
    assert.ok(row.texts.length > 400);
    assertSameIds(await loadTokenizer(fixturePath('tokenizer', 'words')), row, 'words');
  });

  for (const [name, row] of Object.entries(folders)) {
    it(`agrees with transformers on the folder "${name}", before and after saving it`, () =>
      inTemporaryFolder(async (folder) => {
        const tokenizer = await loadTokenizer(fixturePath('tokenizer', name));
        assertSameIds(tokenizer, row, name);
        await saveTokenizer(tokenizer, folder);
        assertSameIds(await loadTokenizer(folder), row, `${name}, saved`);
      }));
  }

  it('takes an empty batch, and words of 200,000 characters without taking them pairwise', async () => {
    const tokenizer = await loadTokenizer(fixturePath('tokenizer', 'words'));
    assert.equal(tokenizer.encode([]).inputIds.length, 0);
    const { inputIds } = tokenizer.encode(['abcdefghij'.repeat(20_000), '!'.repeat(200_000)]);
    assert.equal(inputIds[76], tokenizer.eosId);
  });
});

describe('loadTokenizer', () => {
  const broken: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['no vocabulary', {}, /vocab\.json: there is no such file/],
    ['no merges', { 'vocab.json': '{}' }, /merges\.txt: there is no such file/],
    [
      'a bad id',
      { 'vocab.json': '{"a":1.5}', 'merges.txt': '' },
      /vocab\.json: the id of "a" is 1\.5/,
    ],
    [
      'no end token',
      { 'vocab.json': '{"a":1}', 'merges.txt': '' },
      /lacks the token "<\|startoftext\|>"/,
    ],
    [
      'a rule beyond the vocabulary',
      { 'vocab.json': '{"a":0,"<|startoftext|>":1,"<|endoftext|>":2}', 'merges.txt': 'a b' },
      /merge 1, "a b", needs "b"/,
    ],
    [
      'a rule of three',
      { 'vocab.json': '{}', 'merges.txt': 'a b c' },
      /merges\.txt: \["a","b","c"\] is no merge/,
    ],
    [
      'another model',
      { 'tokenizer.json': '{"model":{"type":"WordPiece"}}' },
      /tokenizer\.json: its model is not CLIP/,
    ],
    ['broken JSON', { 'tokenizer.json': '{"model":' }, /tokenizer\.json: it is not JSON/],
  ];
  for (const [fault, files, reason] of broken) {
    it(`refuses ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
        await assert.rejects(loadTokenizer(folder), reason);
      }));
  }
});
