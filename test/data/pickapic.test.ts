import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetLayout } from '../../src/data/parquet';
import {
  openPreferenceFile,
  PREFERENCE_COLUMNS,
  type PreferenceRow,
  preferenceColumn,
  readPreferenceRows,
} from '../../src/data/pickapic';
import { writePreferencePairs } from '../../src/data/pickapic-writer';
import { fixturePath, jsonFixture } from '../support/fixtures';

const fixture = jsonFixture<{ rows: Record<string, unknown>[]; rowGroups: number[][] }>(
  'data',
  'pickapic.json',
);
const file = (name: string) => fixturePath('data', 'pickapic', 'data', `${name}.parquet`);
const TRAIN = ['train-00000-of-00002', 'train-00001-of-00002'].map(file);

async function allRows(paths: readonly string[]): Promise<PreferenceRow[]> {
  const rows: PreferenceRow[] = [];
  for (const path of paths) for await (const row of readPreferenceRows(path)) rows.push(row);
  return rows;
}

/** As the fixture describes a row: pictures by hash, times to the microsecond, absent values as null. */
function described(row: PreferenceRow): Record<string, unknown> {
  const text = (value: unknown) => {
    if (value instanceof Uint8Array) return createHash('sha256').update(value).digest('hex');
    if (value instanceof Date) return value.toISOString().replace('Z', '456Z');
    return value ?? null;
  };
  const names = Object.keys(PREFERENCE_COLUMNS) as (keyof PreferenceRow)[];
  return Object.fromEntries(names.map((name) => [name, text(row[name])]));
}

describe('readPreferenceRows', () => {
  it("reads pyarrow's rows: every column, nulls, snappy and zstd", async () => {
    assert.deepEqual((await allRows(TRAIN)).map(described), fixture.rows);
  });

  it('reads a file with the four needed columns and one more that it ignores', async () => {
    const rows = await allRows([file('validation-00000-of-00001')]);
    const first = fixture.rows[0];
    assert.deepEqual(Object.keys(rows[0] ?? {}).sort(), ['caption', 'jpg_0', 'jpg_1', 'label_0']);
    assert.deepEqual([rows.length, rows[0]?.caption], [3, first?.caption]);
  });
});

describe('openPreferenceFile', () => {
  it('names a column that is missing', async () => {
    const opened = openPreferenceFile(file('nocaption-00000-of-00001'));
    await assert.rejects(opened, /nocaption.*has no column "caption"/);
  });
});

describe('writePreferencePairs', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pairs-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives back the rows it was given, in row groups', async () => {
    const path = join(folder, 'data', 'train-00000-of-00001.parquet');
    const rows = await allRows(TRAIN);
    writePreferencePairs(path, rows, { rowGroupSize: 8 });
    assert.deepEqual(await allRows([path]), rows);
    assert.deepEqual((await parquetLayout(path)).rows, [8, 8, 3]);
    assert.deepEqual(readdirSync(join(folder, 'data')), ['train-00000-of-00001.parquet']);
  });

  it("has the original's columns and types, in its order", async () => {
    const [path] = TRAIN as [string];
    const copy = join(folder, 'copy.parquet');
    writePreferencePairs(copy, await allRows([path]));
    const { parquetMetadata } = await import('hyparquet');
    const [ours, theirs] = [copy, path].map((p) => parquetMetadata(readFileSync(p)).schema);
    assert.equal(ours?.length, 20);
    assert.deepEqual(ours, theirs);
  });

  it('writes the same bytes for the same rows', async () => {
    const rows = await allRows(TRAIN);
    const bytes = ['one', 'two'].map((name) => {
      writePreferencePairs(join(folder, name), rows);
      return readFileSync(join(folder, name));
    });
    assert.deepEqual(bytes[0], bytes[1]);
  });

  it('refuses to write nothing', () => {
    assert.throws(() => writePreferencePairs(join(folder, 'none'), []), RangeError);
  });

  it('leaves a missing picture to the reader, which names it', async () => {
    const path = join(folder, 'missing.parquet');
    const [row] = (await allRows(TRAIN)) as [PreferenceRow];
    const broken = { ...row, jpg_1: undefined } as unknown as PreferenceRow;
    writePreferencePairs(path, [row, broken, row]);
    const read = openPreferenceFile(path).then((f) => preferenceColumn(f, 'jpg_1', 0));
    await assert.rejects(read, /column "jpg_1", row 1 of row group 0: expected bytes, got nothing/);
  });

  it('leaves a wrong type to the reader, which names row and column', async () => {
    const path = join(folder, 'wrong.parquet');
    const [row] = (await allRows(TRAIN)) as [PreferenceRow];
    const broken = { ...row, caption: undefined } as unknown as PreferenceRow;
    writePreferencePairs(path, [row, broken]);
    const read = openPreferenceFile(path).then((f) => preferenceColumn(f, 'caption', 0));
    await assert.rejects(
      read,
      /column "caption", row 1 of row group 0: expected string, got nothing/,
    );
  });
});
