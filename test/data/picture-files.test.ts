import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { ParquetGuard } from '../../src/data/parquet-guard';
import { PictureFiles } from '../../src/data/picture-files';
import type { TrainingRow } from '../../src/data/rows';

const FRAGMENT = 65_536;
const ROWS = 60;
const PER_GROUP = 30;

/** As Snappy packs what it cannot make smaller: literals of 64 KiB. */
function packed(bytes: Uint8Array): Uint8Array {
  const head: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    head.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  const parts: Uint8Array[] = [Uint8Array.from(head)];
  for (let at = 0; at < bytes.length; at += FRAGMENT) {
    const literal = bytes.subarray(at, at + FRAGMENT);
    const length = literal.length - 1;
    parts.push(Uint8Array.of(61 << 2, length & 255, length >> 8), literal);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** No two alike, and no byte strings of pictures inside one another. */
function picture(row: number): Uint8Array {
  let state = row + 1;
  return Uint8Array.from({ length: 50_000 + 997 * row }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

describe('PictureFiles', () => {
  const pictures = Array.from({ length: ROWS }, (_, row) => picture(row));
  const length = (row: number) => (pictures[row] as Uint8Array).length;
  const columnBytes = pictures.slice(0, PER_GROUP).reduce((sum, { length }) => sum + length, 0);
  let folder = '';
  let guard = new ParquetGuard();

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pictures-'));
    for (const codec of ['SNAPPY', 'UNCOMPRESSED'] as const) {
      const column = { type: 'BYTE_ARRAY', encoding: 'PLAIN', codec } as const;
      const bytes = parquetWriteBuffer({
        columnData: [
          { name: 'jpg_0', data: pictures, ...column },
          { name: 'small', data: pictures.map((bytes) => bytes.subarray(0, 50)), ...column },
        ],
        compressors: { SNAPPY: packed },
        statistics: false,
        rowGroupSize: PER_GROUP,
      });
      writeFileSync(join(folder, codec), new Uint8Array(bytes));
    }
  });
  beforeEach(() => {
    guard = new ParquetGuard();
  });
  afterEach(() => guard.close());
  after(() => rmSync(folder, { recursive: true }));

  const rowOf = (file: string, row: number): TrainingRow => ({
    caption: '',
    winner: 'jpg_0',
    file: { path: join(folder, file) },
    row,
    rowGroup: Math.floor(row / PER_GROUP),
    rowInGroup: row % PER_GROUP,
  });

  /** What is read for one picture, which is compared. */
  const bytesFor = async (files: PictureFiles, file: string, row: number, column = 'jpg_0') => {
    const before = guard.bytesRead;
    const whole = pictures[row];
    const expected = column === 'small' ? whole?.subarray(0, 50) : whole;
    assert.deepEqual(await files.get(rowOf(file, row), column), expected);
    return guard.bytesRead - before;
  };

  /** All rows in an order without a rule. */
  const shuffled = Array.from({ length: ROWS }, (_, i) => (i * 37 + 11) % ROWS);

  for (const [codec, more] of [
    ['UNCOMPRESSED', 0],
    ['SNAPPY', FRAGMENT + 16], // from the 64 KiB boundary before it, with the literals' heads
  ] as const) {
    it(`read a random picture without the others: ${codec}`, async () => {
      const files = new PictureFiles(0, { guard });
      for (const group of [0, 1]) {
        const bytes = await bytesFor(files, codec, group * PER_GROUP); // and finds places
        assert.ok(bytes < columnBytes / 4, `${bytes} bytes of ${columnBytes}`);
      }
      for (const row of shuffled) {
        const bytes = await bytesFor(files, codec, row);
        const most = 4 + length(row) + more;
        assert.ok(bytes >= 4 + length(row) && bytes <= most, `${bytes} bytes for row ${row}`);
      }
    });
  }

  it('keep pictures within their budget, the last used longest', async () => {
    const files = new PictureFiles(length(0) + length(1) + length(2), { guard });
    const read = async (rows: readonly number[]) => {
      const found: boolean[] = [];
      for (const row of rows) found.push((await bytesFor(files, 'UNCOMPRESSED', row)) > 0);
      return found;
    };
    assert.deepEqual(await read([0, 1, 2, 0]), [true, true, true, false]);
    assert.deepEqual(await read([3, 0, 3]), [true, false, false]); // 1 and 2 had to go
    assert.deepEqual(await read([1]), [true]);
  });

  it('find places again where they were forgotten', async () => {
    const files = new PictureFiles(0, { guard, placeBytes: PER_GROUP * 16 });
    const costs: number[] = [];
    for (const row of [0, 1, 31, 32, 2]) costs.push(await bytesFor(files, 'UNCOMPRESSED', row));
    const found = costs.map((bytes, i) => bytes > length([0, 1, 31, 32, 2][i] as number) + 4);
    assert.deepEqual(found, [true, false, true, false, true]);
  });

  it('read a small column at once', async () => {
    const files = new PictureFiles(undefined, { guard });
    const costs: number[] = [];
    for (const row of shuffled) costs.push(await bytesFor(files, 'SNAPPY', row, 'small'));
    assert.equal(costs.filter((bytes) => bytes > 0).length, ROWS / PER_GROUP);
  });

  it('go on after a file that could not be read', async () => {
    const files = new PictureFiles(undefined, { guard });
    await assert.rejects(files.get(rowOf('later', 3), 'jpg_0'), /later".*ENOENT/);
    writeFileSync(join(folder, 'later'), Uint8Array.of());
    await assert.rejects(files.get(rowOf('later', 3), 'jpg_0'), /later".*too short/);
    assert.ok((await bytesFor(files, 'SNAPPY', 3)) > 0);
  });
});
