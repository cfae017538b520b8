import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { ParquetError, parquetColumn, parquetPlaces, parquetValue } from '../../src/data/parquet';
import { PARQUET_LIMITS, ParquetGuard } from '../../src/data/parquet-guard';
import { fixturePath, jsonFixture } from '../support/fixtures';

type Hash = string | null;
const { rowGroups, sha256 } = jsonFixture<{
  rowGroups: number[];
  sha256: Record<string, Record<string, Hash[]>>;
}>('data', 'places.json');
const file = (name: string) => fixturePath('data', 'places', `${name}.parquet`);

const hash = (value: unknown): Hash =>
  value instanceof Uint8Array
    ? createHash('sha256').update(value).digest('hex').slice(0, 12)
    : null;

/** Finds places in small columns too. */
const guard = new ParquetGuard({ ...PARQUET_LIMITS, milliseconds: 5000, wholeBytes: 0 });
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'places-'));
});
after(() => {
  rmSync(folder, { recursive: true });
  return guard.close();
});

const written = (bytes: Uint8Array) => {
  const path = join(folder, 'written.parquet');
  writeFileSync(path, bytes);
  return path;
};

/** Every value of some row groups alone, the last first. */
async function oneByOne(path: string, column: string, groups: readonly number[] = rowGroups) {
  const values: Hash[] = [];
  for (const [group, rows] of [...groups.entries()].reverse()) {
    const places = await parquetPlaces(path, column, group, { guard });
    assert.ok(places, `${path} ${column}`);
    for (let row = rows - 1; row >= 0; row--) {
      values.unshift(hash(await parquetValue(path, column, group, row, places, { guard })));
    }
  }
  return values;
}

/** Files whose columns can be entered. */
const ENTERED = [
  'dictionary',
  'fallback',
  'snappy-v2',
  'none-v1',
  'none-v2',
  'zstd-v1',
  'zstd-v2',
] as const;

describe('parquetPlaces and parquetValue', () => {
  for (const name of ENTERED) {
    it(`find what pyarrow reads: ${name}`, async () => {
      for (const [column, expected] of Object.entries(sha256[name] ?? {})) {
        assert.equal(expected.length, 30);
        assert.deepEqual(await oneByOne(file(name), column), expected, column);
      }
    });
  }

  it('unpack from further back where a copy reaches behind a 64 KiB boundary', async () => {
    const value = Uint8Array.from({ length: 32_764 }, (_, i) => (i * i) % 251);
    const data = Array(9).fill(value);
    const codec = 'SNAPPY';
    const bytes = parquetWriteBuffer({
      columnData: [{ name: 'jpg_0', data, type: 'BYTE_ARRAY', encoding: 'PLAIN', codec }],
      compressors: { SNAPPY: packedWithFarCopies },
      statistics: false,
    });
    assert.ok(bytes.byteLength < 60_000);
    assert.deepEqual(await oneByOne(written(new Uint8Array(bytes)), 'jpg_0', [9]), data.map(hash));
  });

  it('leave other codecs with dictionaries or large pages to be read whole', async () => {
    assert.equal(await parquetPlaces(file('zstd-dictionary'), 'jpg_0', 0, { guard }), undefined);
    const data = Array.from({ length: 10 }, (_, i) => new Uint8Array(2 ** 20).fill(i));
    for (const [pageSize, found] of [
      [3 * 2 ** 20, true],
      [5 * 2 ** 20, false],
    ] as const) {
      const codec = 'GZIP';
      const bytes = parquetWriteBuffer({
        columnData: [{ name: 'jpg_0', data, type: 'BYTE_ARRAY', encoding: 'PLAIN', codec }],
        compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes) },
        statistics: false,
        pageSize,
      });
      const places = await parquetPlaces(written(new Uint8Array(bytes)), 'jpg_0', 0, { guard });
      assert.equal(places !== undefined, found);
      if (!places) continue;
      const before = guard.bytesRead;
      const path = join(folder, 'written.parquet');
      assert.deepEqual(await parquetValue(path, 'jpg_0', 0, 7, places, { guard }), data[7]);
      assert.ok(guard.bytesRead - before < bytes.byteLength / 2); // one page
    }
  });

  it('leave small columns, text, lists and numbers to be read whole', async () => {
    const ofDefault = new ParquetGuard();
    const small = await parquetPlaces(file('dictionary'), 'jpg_0', 0, { guard: ofDefault });
    assert.equal(small, undefined);
    await ofDefault.close();
    const pickapic = fixturePath('data', 'pickapic', 'data', 'train-00000-of-00002.parquet');
    for (const column of ['caption', 'label_0', 'created_at']) {
      assert.equal(await parquetPlaces(pickapic, column, 0, { guard }), undefined);
    }
    const captioned = fixturePath('data', 'captioned', 'data', 'train-00000-of-00001.parquet');
    assert.equal(await parquetPlaces(captioned, 'text', 0, { guard }), undefined);
    assert.ok(await parquetPlaces(captioned, 'image', 0, { guard }));
  });
});

/** The first 32,768 bytes as they are, then copies of 64 bytes from 32,768 (or, where there is so much, 65,536) before. */
function packedWithFarCopies(bytes: Uint8Array): Uint8Array {
  const head = 32_768;
  const packed = [...varint(bytes.length), 61 << 2, (head - 1) & 255, (head - 1) >> 8];
  packed.push(...bytes.subarray(0, head));
  for (let at = head; at < bytes.length; at += 64) {
    const tag = Math.min(64, bytes.length - at) - 1;
    if (at >= 2 * head) packed.push((tag << 2) | 3, 0, 0, 1, 0);
    else packed.push((tag << 2) | 2, 0, 128);
  }
  return Uint8Array.from(packed);
}

/** Of `size` bytes where one is given: longer than it must be. */
function varint(value: number, size = 0): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left > 127 || bytes.length + 1 < size) {
    bytes.push((left & 127) | 128);
    left = Math.floor(left / 128);
  }
  return [...bytes, left];
}

const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);

/** As `datasets` reads the whole column. */
async function whole(path: string, column: string) {
  const groups = rowGroups.map((_, group) => parquetColumn(path, column, group, { guard }));
  return (await Promise.all(groups)).flat().map(hash);
}

describe('parquetColumn', () => {
  it('reads the same files, in other codecs too', async () => {
    for (const [name, columns] of Object.entries(sha256)) {
      for (const [column, expected] of Object.entries(columns)) {
        assert.deepEqual(await whole(file(name), column), expected, `${name} ${column}`);
      }
    }
  });
});

describe('hostile pages', () => {
  const refused = (path: string, reason: RegExp) =>
    assert.rejects(parquetPlaces(path, 'jpg_0', 0, { guard }), (error) => {
      assert.ok(error instanceof ParquetError, String(error));
      assert.match(error.message, reason);
      assert.match(error.message, /written\.parquet", column "jpg_0" of row group 0: /);
      return true;
    });

  const changed = (name: string, at: number, expected: string, bytes: readonly number[]) => {
    const copy = readFileSync(file(name));
    assert.equal(copy.toString('hex', at, at + bytes.length), expected, 'the fixture has changed');
    copy.set(bytes, at);
    return written(copy);
  };
  /** A field of the header of the dictionary's page: 17 values, 20,399 bytes that unpack to 209,228. */
  const size = (value: number) => changed('dictionary', 7, '98c519', varint(zigzag(value), 3));
  const packed = (value: number) => changed('dictionary', 11, 'debe02', varint(zigzag(value), 3));
  const count = (value: number) => changed('dictionary', 16, '22', varint(zigzag(value)));

  it('are refused for sizes that are negative, too large or overlap', async () => {
    await refused(packed(-5), /a page claims -5 bytes where 20452 are left/);
    await refused(packed(1_000_000), /a page claims 1000000 bytes where 20452 are left/);
    await refused(packed(20_398), /a compressed page ends too early/);
    await refused(size(-1), /a page claims -1 bytes/);
    await refused(size(209_229), /a page claims 209229 bytes and its compressed part 209228/);
    const small = { ...PARQUET_LIMITS, wholeBytes: 0, columnBytes: 250_000 };
    const strict = new ParquetGuard(small);
    const path = size(260_000);
    await assert.rejects(
      parquetPlaces(path, 'jpg_0', 0, { guard: strict }),
      /: a page claims 260000 bytes/,
    );
    await strict.close();
  });

  it('are refused for counts that do not match', async () => {
    await refused(count(-1), /a page of 209228 bytes claims -1 values/);
    await refused(count(18), /a page claims 18 values and ends after 17/);
    await refused(count(16), /entry 16 of a dictionary of 16 is asked for/);
  });

  it('are refused for values that reach out of their page, and copies from before it', async () => {
    const length = changed('none-v1', 665, '75010000', [255, 255, 255, 255]);
    await refused(length, /a value claims 4294967295 bytes where \d+ are left/);
    const levels = changed('none-v1', 659, '02000000', [255, 255, 0, 0]);
    await refused(levels, /levels claim 65535 bytes in a page of 1471/);
    const noLevels = changed('none-v1', 659, '02000000', [1, 0, 0, 0]);
    await refused(noLevels, /runs of numbers end too early/);
    const copy = changed('dictionary', 25, 'f069', [2 | (63 << 2), 1]);
    await refused(copy, /a compressed page copies from before its beginning/);
  });

  it('are refused where they hold fewer or more values than the row group', async () => {
    const four = changed('none-v1', 14, '0a', [8]);
    await refused(four, /the pages hold 19 values for 20 rows/);
    const six = changed('none-v1', 14, '0a', [12]);
    await refused(six, /runs of numbers end too early/);
    const five = changed('fallback', 21_197, '08', [10]); // of the last of three pages; levels stand in groups of 8
    await refused(five, /the pages hold more than 20 values/);
    const many = changed('none-v1', 14, '0a', [126]);
    await refused(many, /a page claims 63 values of 20/);
  });

  it('are read or refused, whatever bytes are changed, and the next file is read', async () => {
    let state = 5;
    const below = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    let refusals = 0;
    for (let n = 0; n < 200; n++) {
      const copy = readFileSync(file(ENTERED[n % ENTERED.length] as string));
      for (let k = 0; k <= n % 4; k++) copy[4 + below(k === 0 ? 40 : 20_000)] = below(256);
      try {
        const path = written(copy);
        const places = await parquetPlaces(path, 'jpg_0', 0, { guard });
        for (let row = 0; places && row < 20; row++) {
          await parquetValue(path, 'jpg_0', 0, row, places, { guard });
        }
      } catch (error) {
        assert.ok(error instanceof ParquetError, String(error));
        refusals++;
      }
    }
    assert.ok(refusals > 60 && refusals < 200, `${refusals} refused`);
    assert.deepEqual(await oneByOne(file('fallback'), 'jpg_0'), sha256.fallback?.jpg_0);
  });

  it('of a file that was replaced give no other value', async () => {
    const path = written(readFileSync(file('none-v1')));
    const places = await parquetPlaces(path, 'jpg_0', 0, { guard });
    assert.ok(places);
    written(readFileSync(file('dictionary')));
    await assert.rejects(
      parquetValue(path, 'jpg_0', 0, 3, places, { guard }),
      /row group 0: the file has changed since its pages were found/,
    );
  });
});
