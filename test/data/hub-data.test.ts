import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetColumn, parquetLayout } from '../../src/data/parquet';
import { openTrainingData, planTrainingData } from '../../src/data/training-data';
import { fixturePath } from '../support/fixtures';
import { sha256 } from '../support/mock-hub-store';
import { type HubTrial, noise, withHub } from '../support/with-hub';

const NAME = 'someone/pairs';
const FILE = 'data/heldout-00000-of-00001.parquet';
const local = join(__dirname, '..', '..', 'data', 'pairs');
const parquet = readFileSync(join(local, 'heldout-00000-of-00001.parquet'));
const here = { datasetName: local, split: 'heldout' } as const;

const withData = (fn: (trial: HubTrial) => Promise<unknown>) =>
  withHub(async (trial) => {
    trial.hub.add(
      NAME,
      { [FILE]: parquet, 'README.md': 'x', 'data/train-0.parquet': noise(9) },
      'dataset',
    );
    await fn(trial);
  });

/** What of a data set a training run looks at: captions, winners, counts. */
const facts = ({ pairs, counts }: Awaited<ReturnType<typeof openTrainingData>>) => ({
  counts,
  rows: pairs.map(({ caption, winner, row }) => [caption, winner, row]),
});

describe('a data set of the hub', () => {
  it('is read by row group and column through ranges, the same as from the disk', () =>
    withData(async ({ hub, options }) => {
      const there = { ...here, datasetName: NAME, hub: options };
      const [near, far] = [await openTrainingData(here), await openTrainingData(there)];
      assert.deepEqual(facts(far), facts(near));
      assert.ok(
        hub.bytesSent < parquet.length / 2,
        `${hub.bytesSent} bytes for labels and captions`,
      );
      const [row] = far.pairs;
      const [nearRow] = near.pairs;
      assert.ok(row && nearRow);
      for (const column of ['jpg_0', 'jpg_1'])
        assert.deepEqual(
          await far.pictures.get(row, column),
          await near.pictures.get(nearRow, column),
        );
    }));

  it('keeps what it has read: again it is read from the disk, also without the network', () =>
    withData(async ({ hub, options }) => {
      const there = { ...here, datasetName: NAME, hub: options };
      const first = facts(await openTrainingData(there));
      const before = hub.bytesSent;
      assert.deepEqual(facts(await openTrainingData(there)), first);
      assert.equal(hub.bytesSent, before);
      const asked = hub.asked.length;
      const offline = { ...there, hub: { ...options, network: 'offline' } } as const;
      const data = await openTrainingData(offline);
      assert.deepEqual(facts(data), first);
      assert.equal(hub.asked.length, asked);
    }));

  it('is read from the cache where the hub cannot be reached, and says so', () =>
    withData(async ({ hub, options }) => {
      const notes: string[] = [];
      const onNote = (sentence: string) => notes.push(sentence);
      const there = { ...here, datasetName: NAME, hub: { ...options, onNote } };
      const first = facts(await openTrainingData(there));
      const plan = await planTrainingData(there);
      assert.deepEqual(notes, []);
      await hub.close();
      assert.deepEqual(facts(await openTrainingData(there)), first);
      assert.match(
        notes[0] ?? '',
        /cannot be reached .*Using what the cache has of someone\/pairs/,
      );
      assert.deepEqual(await planTrainingData(there), plan);
      const other = openTrainingData({ ...there, datasetName: 'someone/other' });
      await assert.rejects(other, /^HubError: 127\.0\.0\.1:\d+ cannot be reached/);
    }));

  it('survives cut connections, and refuses a server that knows no ranges', () =>
    withData(async ({ hub, options }) => {
      const there = { ...here, datasetName: NAME, hub: options };
      hub.fail('range ignored');
      await assert.rejects(
        openTrainingData(there),
        /"data\/heldout-00000-of-00001\.parquet" cannot be read in parts/,
      );
      hub.fail('wrong range');
      await assert.rejects(openTrainingData(there), /cannot be read in parts/);
      hub.fail('cut', { times: 3 });
      assert.deepEqual(facts(await openTrainingData(there)), facts(await openTrainingData(here)));
    }));

  it('is a blob of the cache, checked by its digest, once all of it was read', () =>
    withData(async ({ hub, options, cacheDir }) => {
      const commit = hub.store.repos.get(`dataset ${NAME}`)?.refs.get('main') ?? '';
      const root = join(cacheDir, 'datasets--someone--pairs');
      const data = await openTrainingData({ ...here, datasetName: NAME, hub: options });
      const [row] = data.pairs;
      assert.ok(row);
      const { rows, columns } = await parquetLayout(row.file.path);
      assert.ok(!existsSync(join(root, 'blobs')));
      for (const group of rows.keys())
        for (const { name } of columns) await parquetColumn(row.file.path, name, group);
      const blob = join(root, 'blobs', sha256(parquet));
      assert.deepEqual(readFileSync(blob), parquet);
      assert.deepEqual(readFileSync(join(root, 'snapshots', commit, FILE)), parquet);
    }));

  it('is downloaded first where that is asked for', () =>
    withData(async ({ hub, options, cacheDir }) => {
      const there = { ...here, datasetName: NAME, hub: { ...options, fetch: 'whole' } } as const;
      assert.deepEqual(facts(await openTrainingData(there)), facts(await openTrainingData(here)));
      assert.equal(hub.bytesSent, parquet.length);
      assert.deepEqual(readdirSync(join(cacheDir, 'datasets--someone--pairs', 'blobs')), [
        sha256(parquet),
      ]);
    }));

  it('of another form is read by the names of its columns', () =>
    withHub(async ({ hub, options }) => {
      const folder = fixturePath('data', 'captioned');
      const [name = ''] = readdirSync(folder, { recursive: true })
        .map(String)
        .filter((file) => file.endsWith('.parquet'));
      hub.add('someone/captioned', { [name]: readFileSync(join(folder, name)) }, 'dataset');
      const asked = { trainMethod: 'sft', captionColumn: 'text' } as const;
      const far = await openTrainingData({
        ...asked,
        datasetName: 'someone/captioned',
        hub: options,
      });
      assert.deepEqual(
        facts(far),
        facts(await openTrainingData({ ...asked, datasetName: folder })),
      );
    }));

  it('that is not there, or without the network, is refused in one sentence', () =>
    withHub(async ({ options }) => {
      const open = (datasetName: string, hub: object) =>
        openTrainingData({ datasetName, hub: { ...options, ...hub } });
      await assert.rejects(
        open('someone/none', {}),
        /someone\/none is not shown without a login \(401\)/,
      );
      await assert.rejects(
        open('someone/none', { network: 'offline' }),
        /The data set someone\/none is not in the cache/,
      );
      await assert.rejects(
        open('no-such', {}),
        /"no-such" is no folder or file here, and no name on the hub/,
      );
    }));
});
