import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParquetError, parquetColumn, parquetLayout } from '../../src/data/parquet';
import { PARQUET_LIMITS, ParquetGuard } from '../../src/data/parquet-guard';
import { fixturePath } from '../support/fixtures';

const original = (name: string) => fixturePath('data', 'pickapic', 'data', name);
const GZIPPED = original('validation-00000-of-00001.parquet');
const ZSTD = original('train-00001-of-00002.parquet');
const SNAPPY = original('nocaption-00000-of-00001.parquet');

/** Reads what the data set needs of a file. */
async function readAll(path: string, guard: ParquetGuard) {
  const { rows, columns } = await parquetLayout(path, { guard });
  for (const { name } of columns.filter((c) => /^(jpg_0|label_0|caption)$/.test(c.name))) {
    for (let group = 0; group < rows.length; group++) {
      const values = await parquetColumn(path, name, group, { guard });
      assert.equal(values.length, rows[group]);
    }
  }
}

describe('parquetLayout and parquetColumn', () => {
  it('give row groups, columns and values', async () => {
    const { rows, columns } = await parquetLayout(GZIPPED);
    assert.deepEqual(rows, [3]);
    assert.deepEqual(columns.at(-1), { name: 'extra', type: 'nested' });
    assert.deepEqual(await parquetColumn(GZIPPED, 'label_0', 0), [0, 1, 0]);
    assert.equal((await parquetColumn(ZSTD, 'caption', 1))[1], 'a red circle');
  });

  it('name file, column and reason when they refuse', async () => {
    const refused = async (promise: Promise<unknown>, reason: RegExp) =>
      assert.rejects(
        promise,
        (error) => error instanceof ParquetError && reason.test(error.message),
      );
    await refused(parquetLayout('/nowhere/a.parquet'), /"\/nowhere\/a.parquet": ENOENT/);
    await refused(parquetLayout(__filename), /parquet\.test\.ts": .*PAR1/);
    await refused(parquetColumn(ZSTD, 'labels', 0), /column "labels" of row group 0: there is no/);
    await refused(parquetColumn(ZSTD, 'caption', 2), /column "caption" of row group 2/);
    await refused(parquetColumn(GZIPPED, 'extra', 0), /column "extra"/);
  });
});

describe('ParquetGuard', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'parquet-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const damaged = (path: string, change: (bytes: Buffer) => void) => {
    const bytes = readFileSync(path);
    change(bytes);
    const copy = join(folder, 'damaged.parquet');
    writeFileSync(copy, bytes);
    return copy;
  };
  const strict = { ...PARQUET_LIMITS, milliseconds: 2000, heapMegabytes: 256 };

  it('ends a read that never would, and reads the next file', async () => {
    const guard = new ParquetGuard(strict);
    await parquetLayout(GZIPPED, { guard });
    const endless = damaged(GZIPPED, (bytes) => {
      bytes[13] = 0; // in the header of the first page of jpg_0: the reader then never advances
    });
    const start = Date.now();
    const [hung, next] = await Promise.allSettled([
      parquetColumn(endless, 'jpg_0', 0, { guard }),
      parquetColumn(GZIPPED, 'label_0', 0, { guard }),
    ]);
    assert.match(String(hung.status === 'rejected' && hung.reason), /took longer than 2 s/);
    assert.deepEqual(next.status === 'fulfilled' && next.value, [0, 1, 0]);
    assert.ok(Date.now() - start < 10_000);
    await guard.close();
  });

  it('survives a reader that outgrows its memory', async () => {
    const guard = new ParquetGuard({ ...PARQUET_LIMITS, heapMegabytes: 1 });
    await assert.rejects(readAll(ZSTD, guard), /the reader (failed|ended)/);
    await guard.close();
  });

  it('refuses a column that claims to unpack to more than the limit', async () => {
    const guard = new ParquetGuard({ ...PARQUET_LIMITS, columnBytes: 1000 });
    await assert.rejects(
      parquetColumn(GZIPPED, 'jpg_0', 0, { guard }),
      /the column claims \d+ bytes/,
    );
    await guard.close();
  });

  it('does not keep a finished process alive', () => {
    const program = `require('./src/data/parquet').parquetLayout(process.argv[1]).then((l) => console.log(l.rows))`;
    const options = {
      cwd: join(__dirname, '..', '..'),
      timeout: 30_000,
      encoding: 'utf8',
    } as const;
    const printed = execFileSync(
      process.execPath,
      ['-r', 'tsx/cjs', '-e', program, GZIPPED],
      options,
    );
    assert.equal(printed.trim(), '[ 3 ]');
  });

  it('counts an answer that came in time though this thread was busy', async () => {
    const guard = new ParquetGuard(strict);
    await parquetLayout(GZIPPED, { guard }); // the thread is up
    const answer = parquetLayout(GZIPPED, { guard });
    await new Promise(setImmediate);
    const start = Date.now();
    while (Date.now() - start < 2100); // as a training step would keep it
    assert.deepEqual((await answer).rows, [3]);
    await guard.close();
  });

  it('comes through 600 damaged files: each is read or refused, and this process goes on', async () => {
    const guard = new ParquetGuard(strict);
    let state = 3;
    const below = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    let refused = 0;
    for (let n = 0; n < 600; n++) {
      const path = damaged([ZSTD, SNAPPY][n % 2] as string, (bytes) => {
        const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
        for (let k = 0; k <= n % 5; k++) {
          // the first page header, the columns' descriptions in the footer, or anywhere
          const at = [below(30), footer + below(1500), below(bytes.length)][below(3)] as number;
          bytes[at] = below(256);
        }
      });
      await readAll(path, guard).catch((error) => {
        assert.ok(error instanceof ParquetError, String(error));
        refused++;
      });
    }
    assert.ok(refused > 200 && refused < 600, `${refused} refused`);
    await guard.close();
  });
});
