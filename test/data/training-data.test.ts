import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pairPicture, pictureBytes } from '../../src/data/rows';
import { openTrainingData } from '../../src/data/training-data';
import { fixturePath } from '../support/fixtures';

/** 25 comparisons; rows 4 and 17 are ties. */
const PICKAPIC = fixturePath('oracle', 'pickapic_tiny');
/** Seven rows of `image` (a struct, as `datasets` writes it) and `text` (a list); the last has no picture. */
const CAPTIONED = fixturePath('data', 'captioned');

describe('openTrainingData', () => {
  let folder = '';
  const copy = (...names: string[]) => {
    const path = join(folder, ...names);
    cpSync(PICKAPIC, path, { recursive: true });
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'training-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('leaves out ties and counts them', async () => {
    for (const parity of ['repo', 'fixed'] as const) {
      const { pairs, counts } = await openTrainingData({ datasetName: PICKAPIC, parity });
      const { ties, total, kept } = counts;
      assert.deepEqual([total, kept, ties, pairs.length], [25, 23, 2, 23]);
    }
  });

  it("lets jpg_0 win ties of other names in repo's parity, and only there", async () => {
    const datasetName = copy('other');
    const repo = await openTrainingData({ datasetName, parity: 'repo' });
    assert.equal(repo.counts.kept, 25);
    for (const row of [4, 17]) assert.equal(repo.pairs[row]?.winner, 'jpg_0');
    assert.equal(repo.pairs[7]?.winner, 'jpg_1');
    assert.equal((await openTrainingData({ datasetName })).counts.kept, 23);
  });

  it('leaves them out of a folder without a data set name, where the original has no rule', async () => {
    const trainDataDir = copy('plain');
    const repo = await openTrainingData({ trainDataDir, parity: 'repo' });
    assert.deepEqual([repo.counts.kept, repo.counts.ties], [23, 2]);
    const named = { datasetName: join(trainDataDir, '..'), trainDataDir: 'plain' } as const;
    assert.equal((await openTrainingData({ ...named, parity: 'repo' })).counts.kept, 25);
  });

  it('keeps pairs of two dreamlike models, and counts the others', async () => {
    const options = { datasetName: PICKAPIC, dreamlikePairsOnly: true };
    const { pairs, counts } = await openTrainingData(options);
    assert.equal(counts.kept + counts.ties + counts.notDreamlike, 25);
    assert.ok(counts.notDreamlike > 0 && pairs.length === counts.kept);
    const other = { ...options, datasetName: copy('other-dream') };
    assert.deepEqual((await openTrainingData(other)).counts, counts);
    const repo = await openTrainingData({ ...other, parity: 'repo' });
    assert.equal(repo.counts.kept, 25); // there the filter is for Pick-a-Pic alone
  });

  it('takes told columns for winners and losers, whatever the labels say', async () => {
    const told = { chosenColumn: 'jpg_1', rejectedColumn: 'jpg_0' };
    const own = await openTrainingData({ datasetName: PICKAPIC, ...told });
    assert.deepEqual([own.counts.kept, own.counts.ties], [25, 0]);
    const usual = await openTrainingData({ datasetName: PICKAPIC });
    const [pair] = own.pairs;
    assert.ok(pair);
    for (const [ours, original] of [
      ['jpg_0', 'jpg_1'],
      ['jpg_1', 'jpg_0'],
    ] as const) {
      const found = await pairPicture(own, pair, ours);
      assert.deepEqual(found.data, (await pairPicture(usual, pair, original)).data);
    }
    assert.equal(pair.winner, 'jpg_0');
    await assert.rejects(
      openTrainingData({ datasetName: PICKAPIC, rejectedColumn: 'worse' }),
      /has no column "chosen"; it has .*jpg_0/,
    );
  });

  it('chooses samples after the filters', async () => {
    const all = await openTrainingData({ datasetName: PICKAPIC });
    const some = await openTrainingData({ datasetName: PICKAPIC, maxTrainSamples: 3, seed: 42 });
    // numpy.random.default_rng(42).permutation(23)[:3]
    const expected = [18, 10, 17].map((i) => all.pairs[i]?.row);
    assert.deepEqual(
      some.pairs.map(({ row }) => row),
      expected,
    );
    assert.deepEqual([some.counts.kept, some.counts.notChosen], [3, 20]);
  });

  it('finds data by name, configuration, folder and split', async () => {
    const inside = copy('set', 'variant');
    const set = join(folder, 'set');
    for (const options of [
      { datasetName: set, datasetConfigName: 'variant' },
      { datasetName: set, trainDataDir: 'variant' },
      { datasetName: inside, datasetConfigName: 'default' },
      { trainDataDir: inside },
      { datasetName: join(inside, 'data', 'train-00000-of-00001.parquet') },
    ]) {
      assert.equal((await openTrainingData(options)).counts.total, 25);
    }
    const validation = { datasetName: fixturePath('data', 'pickapic'), split: 'validation' };
    assert.equal((await openTrainingData(validation)).counts.total, 3);
  });

  it('takes one picture and a list of captions a row for fine-tuning', async () => {
    const options = { datasetName: CAPTIONED, trainMethod: 'sft', captionColumn: 'text' } as const;
    const data = await openTrainingData(options);
    assert.equal(data.counts.kept, 7);
    const [, second, third] = data.pairs;
    assert.ok(second && third);
    assert.deepEqual([second.winner, second.loser], ['image', undefined]);
    assert.deepEqual(
      [second.caption.length, second.caption[1], third.caption.length],
      [2, 'again', 1],
    );
    const first = { ...(await openTrainingData({ datasetName: fixturePath('data', 'pickapic') })) };
    const [firstPair] = first.pairs;
    assert.ok(firstPair && data.pairs[0]);
    const own = await pictureBytes(data, data.pairs[0], 'image');
    assert.deepEqual(own, await pictureBytes(first, firstPair, 'jpg_0'));
    const last = data.pairs[6];
    assert.ok(last);
    await assert.rejects(
      pairPicture(data, last, 'image'),
      /^PictureError: Row 6, .* There is no picture/,
    );
  });

  it('fine-tunes on the winners of comparisons', async () => {
    const data = await openTrainingData({ datasetName: PICKAPIC, trainMethod: 'sft' });
    assert.deepEqual(
      [data.counts.kept, data.pairs[0]?.loser],
      [23, data.pairs[0]?.winner === 'jpg_0' ? 'jpg_1' : 'jpg_0'],
    );
  });

  it('says in one sentence what is missing', async () => {
    const refused = (options: Parameters<typeof openTrainingData>[0], message: RegExp) =>
      assert.rejects(openTrainingData(options), message);
    await refused({}, /give datasetName or trainDataDir/);
    const hub = { network: 'offline', cacheDir: folder, env: {} } as const;
    await refused(
      { datasetName: 'yuvalkirstain/pickapic_v2', hub },
      /The data set yuvalkirstain\/pickapic_v2 is not in the cache \(.*\), and the network is off/,
    );
    await refused({ trainDataDir: '/nowhere' }, /The folder "\/nowhere" does not exist/);
    await refused(
      { datasetName: PICKAPIC, datasetConfigName: 'x' },
      /has no folder ".*pickapic_tiny\/x"/,
    );
    await refused({ datasetName: PICKAPIC, split: 'test' }, /neither "data\/test-\*\.parquet" nor/);
    await refused(
      { datasetName: PICKAPIC, captionColumn: 'prompt' },
      /no column "prompt"; .* one of: .*caption/,
    );
    const sft = { datasetName: CAPTIONED, trainMethod: 'sft' } as const;
    await refused(sft, /no column "caption"; it needs to be one of: image, text, note/);
    await refused({ ...sft, imageColumn: 'photo', captionColumn: 'text' }, /no column "photo"/);
    await refused(
      { ...sft, captionColumn: 'note' },
      /Row 6 .*"note" should contain either strings or lists/,
    );
    await refused({ datasetName: CAPTIONED }, /no column "jpg_0"/);
    mkdirSync(join(folder, 'empty'));
    await refused({ trainDataDir: join(folder, 'empty') }, /nor pictures with metadata\.jsonl/);
  });
});
