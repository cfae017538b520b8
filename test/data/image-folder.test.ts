import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseCsv } from '../../src/data/csv';
import { encodePng, MAX_PICTURE_BYTES, PictureError } from '../../src/data/image';
import { pairPicture } from '../../src/data/rows';
import { openTrainingData, type TrainingDataOptions } from '../../src/data/training-data';

/** A folder of files: pictures by their grey value, texts as they are. */
async function folderOf(root: string, files: Readonly<Record<string, number | string>>) {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    const picture = (value: number) =>
      encodePng({ width: 2, height: 2, data: new Uint8Array(12).fill(value) });
    writeFileSync(path, typeof content === 'string' ? content : await picture(content));
  }
  return root;
}

const lines = (...rows: object[]) => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;

/** Caption and the grey of each picture of each row. */
async function seen(options: TrainingDataOptions) {
  const data = await openTrainingData(options);
  const grey = async (row: (typeof data.pairs)[number], column?: string) =>
    column === undefined ? undefined : (await pairPicture(data, row, column)).data[0];
  return Promise.all(
    data.pairs.map(async (row) => [
      row.caption,
      await grey(row, row.winner),
      await grey(row, row.loser),
    ]),
  );
}

describe('a folder of pictures', () => {
  let parent = '';
  let count = 0;
  const fresh = () => join(parent, `${count++}`);
  before(() => {
    parent = mkdtempSync(join(tmpdir(), 'folder-'));
  });
  after(() => rmSync(parent, { recursive: true }));
  const sft = { trainMethod: 'sft' } as const;

  it('gives a caption to each file_name, in the order of the metadata', async () => {
    const trainDataDir = await folderOf(fresh(), {
      'a.png': 10,
      'z.png': 20,
      'unnamed.png': 30,
      'metadata.jsonl': lines(
        { file_name: 'z.png', caption: 'last' },
        { file_name: './a.png', caption: ['first', 'one'] },
      ),
    });
    const rows = [
      ['last', 20, undefined],
      [['first', 'one'], 10, undefined],
    ];
    assert.deepEqual(await seen({ trainDataDir, ...sft }), rows);
    // datasets 2.14.6 goes through the pictures instead
    assert.deepEqual(await seen({ trainDataDir, ...sft, parity: 'repo' }), rows.reverse());
  });

  it('reads metadata of nested folders, each relative to itself', async () => {
    const trainDataDir = await folderOf(fresh(), {
      'b/metadata.csv': 'file_name,text\r\npictures/1.png,"one, ""quoted"""\r\n',
      'b/pictures/1.png': 10,
      'a/deep/metadata.csv': '\ufefffile_name,text\n./up.png,two\nhere.png,NA\n',
      'a/deep/up.png': 20,
      'a/deep/here.png': 30,
    });
    assert.deepEqual(await seen({ trainDataDir, ...sft, captionColumn: 'text' }), [
      ['two', 20, undefined],
      ['NA', 30, undefined],
      ['one, "quoted"', 10, undefined],
    ]);
  });

  it('takes pairs from jpg_0_file_name and jpg_1_file_name', async () => {
    const pair = (n: number, label_0: number | null) => ({
      jpg_0_file_name: `${n}.png`,
      jpg_1_file_name: `${n + 1}.png`,
      caption: `${n}`,
      label_0,
    });
    const files = { '1.png': 1, '2.png': 2, '3.png': 3, '4.png': 4 };
    const metadata = lines(pair(1, 1), pair(2, 0), pair(3, 0.5), pair(3, null));
    const trainDataDir = await folderOf(fresh(), { ...files, 'metadata.jsonl': metadata });
    const rows = [
      ['1', 1, 2],
      ['2', 3, 2],
    ];
    assert.deepEqual(await seen({ trainDataDir }), rows);
    const csv = await folderOf(fresh(), {
      ...files,
      'metadata.csv':
        'jpg_0_file_name,jpg_1_file_name,caption,label_0\n1.png,2.png,1,1\n2.png,3.png,2,0.0\n3.png,4.png,3,0.5\n3.png,4.png,3,\n',
    });
    const { counts } = await openTrainingData({ trainDataDir: csv });
    assert.deepEqual([counts.kept, counts.ties, counts.unlabelled], [2, 1, 1]);
    assert.deepEqual(await seen({ trainDataDir: csv }), rows);
  });

  it('of a data set reads the folder of the split; --train_data_dir takes everything', async () => {
    const root = await folderOf(fresh(), {
      'train/metadata.jsonl': lines({ file_name: '1.png', caption: 'train' }),
      'train/1.png': 1,
      'test/metadata.jsonl': lines({ file_name: '2.png', caption: 'test' }),
      'test/2.png': 2,
    });
    assert.deepEqual(await seen({ datasetName: root, ...sft }), [['train', 1, undefined]]);
    const test = { datasetName: root, split: 'test', ...sft };
    assert.deepEqual(await seen(test), [['test', 2, undefined]]);
    assert.equal((await seen({ trainDataDir: root, ...sft })).length, 2);
  });

  it('refuses names that lead out of the folder', async () => {
    for (const name of [
      '../secret.png',
      '/etc/passwd',
      'a/../../secret.png',
      '..\\secret.png',
      '',
    ]) {
      const metadata = lines({ file_name: name, caption: 'x' });
      const trainDataDir = await folderOf(fresh(), { 'metadata.jsonl': metadata });
      const opened = openTrainingData({ trainDataDir, ...sft });
      await assert.rejects(opened, /Row 0 of ".*metadata\.jsonl" names ".*not a path inside/);
    }
  });

  it("refuses names in the folder, but outside the metadata file's", async () => {
    const metadata = lines({ file_name: '../1.png', caption: 'x' });
    const files = { 'deep/metadata.jsonl': metadata, '1.png': 1 };
    const opened = openTrainingData({ trainDataDir: await folderOf(fresh(), files), ...sft });
    await assert.rejects(opened, /names "\.\.\/1\.png", which is not a path inside ".*deep"/);
  });

  it('refuses links out of the folder, and follows those inside', async () => {
    const metadata = lines(
      { file_name: 'inside.png', caption: 'x' },
      { file_name: 'linked/1.png', caption: 'y' },
    );
    const trainDataDir = await folderOf(fresh(), { '1.png': 1, 'metadata.jsonl': metadata });
    const outside = await folderOf(fresh(), { '1.png': 2, 'metadata.jsonl': metadata });
    symlinkSync(join(trainDataDir, '1.png'), join(trainDataDir, 'inside.png'));
    symlinkSync(outside, join(trainDataDir, 'linked'));
    const data = await openTrainingData({ trainDataDir, ...sft });
    assert.equal(data.pairs.length, 2); // metadata behind a link is not read
    const [inside, linked] = data.pairs;
    assert.ok(inside && linked);
    assert.equal((await pairPicture(data, inside, 'image')).data[0], 1);
    await assert.rejects(pairPicture(data, linked, 'image'), (error) => {
      assert.ok(!(error instanceof PictureError)); // no damaged picture, to be passed over
      assert.match(String(error), /linked\/1\.png" is a link out of the folder/);
      return true;
    });
  });

  it('calls a picture that is missing or too large damaged', async () => {
    const metadata = lines(
      { file_name: 'none.png', caption: 'x' },
      { file_name: 'big.png', caption: 'y' },
    );
    const trainDataDir = await folderOf(fresh(), { 'metadata.jsonl': metadata, 'big.png': 1 });
    truncateSync(join(trainDataDir, 'big.png'), MAX_PICTURE_BYTES + 1);
    const data = await openTrainingData({ trainDataDir, ...sft });
    for (const [row, reason] of [
      [0, /There is no file/],
      [1, /20971521 bytes; at most/],
    ] as const) {
      const picture = pairPicture(data, data.pairs[row] as (typeof data.pairs)[number], 'image');
      await assert.rejects(
        picture,
        (error) => error instanceof PictureError && reason.test(error.message),
      );
    }
  });

  it('names the file and what is wrong with it', async () => {
    const refused = async (files: Readonly<Record<string, string>>, message: RegExp) => {
      const trainDataDir = await folderOf(fresh(), files);
      await assert.rejects(openTrainingData({ trainDataDir, ...sft }), message);
    };
    await refused({ 'metadata.jsonl': '{"file_name": 1\n' }, /metadata\.jsonl": .*JSON/);
    await refused({ 'metadata.jsonl': '[1]\n' }, /row 0 is not an object/);
    await refused(
      { 'metadata.csv': 'file_name,caption\na.png\n' },
      /row 0 has 1 cells under 2 names/,
    );
    const empty = { 'metadata.csv': 'file_name,caption\na.png,\n' };
    await refused(empty, /Row 0 .* should contain either strings or lists of strings/);
    await refused({ 'metadata.csv': 'a,b\nx,"y\n' }, /line 2 has a quote out of place/);
    await refused({ 'metadata.csv': 'a\nx\n', 'metadata.jsonl': '{}\n' }, /one kind; it has 2/);
    await refused({ 'metadata.jsonl': lines({ caption: 'x' }) }, /no column "image"/);
  });

  it('takes a key named __proto__ for a column', async () => {
    const metadata = '{"file_name": "1.png", "caption": "x", "__proto__": {"label_0": 1}}\n';
    const trainDataDir = await folderOf(fresh(), { '1.png': 1, 'metadata.jsonl': metadata });
    assert.deepEqual(await seen({ trainDataDir, ...sft }), [['x', 1, undefined]]);
  });
});

describe('parseCsv', () => {
  it('keeps commas, quotes and line breaks of quoted cells', () => {
    assert.deepEqual(parseCsv('a,b\n"1,\n2","say ""x"""\n'), [
      ['a', 'b'],
      ['1,\n2', 'say "x"'],
    ]);
    assert.deepEqual(parseCsv('a,,b\r\n,\n\nx'), [['a', '', 'b'], ['', ''], ['x']]);
    assert.deepEqual(parseCsv(''), []);
    assert.throws(() => parseCsv('a\n"b"c'), /line 2/);
    assert.throws(() => parseCsv('a"b'), /line 1/);
  });
});
