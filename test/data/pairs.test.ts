import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, PictureError } from '../../src/data/image';
import { describeCounts, openPairs, preferenceFiles, withoutDamaged } from '../../src/data/pairs';
import type { PreferenceRow } from '../../src/data/pickapic';
import { writePreferencePairs } from '../../src/data/pickapic-writer';
import { pairPicture } from '../../src/data/rows';
import { fixturePath, jsonFixture } from '../support/fixtures';

const SOURCE = fixturePath('data', 'pickapic');
const { rows } = jsonFixture<{ rows: { label_0: number | null; caption: string }[] }>(
  'data',
  'pickapic.json',
);

describe('openPairs', () => {
  it('keeps decided rows in file order and counts the others', async () => {
    const { pairs, counts } = await openPairs(SOURCE);
    assert.deepEqual(counts, {
      total: 19,
      kept: 16,
      ties: 2,
      unlabelled: 1,
      notDreamlike: 0,
      notChosen: 0,
    });
    assert.equal(describeCounts(counts), 'kept 16 of 19, 2 ties, 1 without a label');
    const decided = rows.filter(({ label_0 }) => label_0 === 0 || label_0 === 1);
    assert.deepEqual(
      pairs.map(({ caption, winner }) => [caption, winner]),
      decided.map(({ caption, label_0 }) => [caption, label_0 === 1 ? 'jpg_0' : 'jpg_1']),
    );
    assert.ok(pairs.every(({ winner, loser }) => winner !== loser));
  });

  it('knows where a pair came from', async () => {
    const { pairs } = await openPairs(SOURCE);
    const last = pairs.at(-1);
    assert.match(last?.file.path ?? '', /train-00001-of-00002\.parquet$/);
    assert.deepEqual([last?.row, last?.rowGroup, last?.rowInGroup], [6, 1, 1]);
  });

  it("chooses as numpy's default_rng(seed).permutation does", async () => {
    const all = await openPairs(SOURCE);
    const some = await openPairs(SOURCE, { maxTrainSamples: 3, seed: 42 });
    // numpy.random.default_rng(42).permutation(16)[:3]
    const expected = [6, 15, 11].map((i) => all.pairs[i]?.caption);
    assert.deepEqual(
      some.pairs.map(({ caption }) => caption),
      expected,
    );
    await assert.rejects(openPairs(SOURCE, { maxTrainSamples: 17 }), /17, but there are 16 pairs/);
  });

  it('takes a split, one file, or a list of files', async () => {
    const validation = await openPairs(SOURCE, { split: 'validation' });
    assert.equal(validation.counts.total, 3);
    const [first] = preferenceFiles(SOURCE, 'train') as [string];
    assert.equal((await openPairs(first)).counts.total, 12);
    assert.equal((await openPairs([first, first])).counts.total, 24);
    assert.equal((await openPairs(join(SOURCE, 'data'))).counts.total, 19);
  });

  it('says what it looked for when there is nothing', async () => {
    await assert.rejects(openPairs(SOURCE, { split: 'test' }), /no file "data\/test-\*\.parquet"/);
    await assert.rejects(openPairs('/nowhere'), /"\/nowhere" does not exist/);
  });
});

describe('pairs with pictures', () => {
  let folder = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pairs-'));
    const grey = (v: number) => encodePng({ width: 1, height: 1, data: Uint8Array.of(v, v, v) });
    const row = async (v: number, label_0: number): Promise<PreferenceRow> => {
      return { jpg_0: await grey(v), jpg_1: await grey(v + 1), label_0, caption: `${v}` };
    };
    const damaged = { ...(await row(60, 1)), jpg_1: Uint8Array.of(0xff, 0xd8, 1, 2, 3) };
    const given = [await row(10, 1), await row(20, 0), await row(30, 0.5), damaged];
    writePreferencePairs(join(folder, 'train-0.parquet'), given, { rowGroupSize: 3 });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('a label of 1 prefers jpg_0, a label of 0 prefers jpg_1', async () => {
    const data = await openPairs(folder);
    const [first, second] = data.pairs.slice(0, 2);
    assert.ok(first && second);
    assert.equal((await pairPicture(data, first, first.winner)).data[0], 10);
    assert.equal((await pairPicture(data, first, first.loser)).data[0], 11);
    assert.equal((await pairPicture(data, second, second.winner)).data[0], 21);
    assert.equal((await pairPicture(data, second, second.loser)).data[0], 20);
  });

  it('a damaged picture is refused by row, column and file', async () => {
    const data = await openPairs(folder);
    const [, , last] = data.pairs;
    assert.ok(last);
    await assert.rejects(pairPicture(data, last, 'jpg_1'), (error) => {
      assert.ok(error instanceof PictureError);
      assert.match(
        error.message,
        /^Row 3, column "jpg_1" of ".*train-0\.parquet": The JPEG picture/,
      );
      return true;
    });
  });

  it('withoutDamaged leaves such pairs out and says which', async () => {
    const { data, damaged } = await withoutDamaged(await openPairs(folder));
    assert.deepEqual(
      data.pairs.map(({ caption }) => caption),
      ['10', '20'],
    );
    assert.equal(damaged.length, 1);
    assert.match(damaged[0] ?? '', /^Row 3, column "jpg_1"/);
  });
});
