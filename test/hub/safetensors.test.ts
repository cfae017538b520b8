import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { type FileDType, openSafetensors, type TensorData, writeSafetensors } from '../../src/hub';
import { decodeElements } from '../../src/hub/dtypes';
import { formatHeader } from '../../src/hub/safetensors-header';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

interface Written {
  readonly tensors: Record<string, { readonly shape: number[]; readonly values: string[] }>;
}

const PYTHON_FILE = fixturePath('hub', 'python.safetensors');

function toPythonText(value: number | bigint, dtype: FileDType): string {
  if (dtype === 'BOOL') return value ? 'True' : 'False';
  return typeof value === 'bigint' ? value.toString() : String(Number(value));
}

function sameNumber(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const python = Number(theirs.replace('inf', 'Infinity').replace('nan', 'NaN'));
  return Object.is(Number(ours), python) || Object.is(Number(ours) + 0, python + 0);
}

async function readAll(path: string) {
  const file = await openSafetensors(path);
  const tensors: { name: string; dtype: FileDType; shape: readonly number[]; data: TensorData }[] =
    [];
  for (const { name, dtype, shape } of file.entries.values()) {
    tensors.push({ name, dtype, shape, data: await file.read(name) });
  }
  await file.close();
  return tensors;
}

describe('openSafetensors', () => {
  it('reads every dtype, name and value that Python wrote', async () => {
    const { tensors } = jsonFixture<Written>('hub', 'values.json');
    const read = await readAll(PYTHON_FILE);
    assert.deepEqual(read.map(({ name }) => name).sort(), Object.keys(tensors).sort());
    for (const { name, dtype, shape, data } of read) {
      const expected = tensors[name] as Written['tensors'][string];
      assert.deepEqual(shape, expected.shape, name);
      const ours = Array.from(data as ArrayLike<number>, (x) => toPythonText(x, dtype));
      assert.equal(ours.length, expected.values.length);
      ours.forEach((x, i) => {
        assert.ok(sameNumber(x, expected.values[i] as string), `${name}[${i}]: ${x}`);
      });
    }
  });

  it('refuses a name that is not there, a folder, and a missing file', async () => {
    const file = await openSafetensors(PYTHON_FILE);
    await assert.rejects(file.read('toString'), /python\.safetensors: it has no tensor "toString"/);
    await file.close();
    await assert.rejects(openSafetensors(fixturePath('hub')), /hub: it is not a file/);
    await assert.rejects(openSafetensors('/nowhere/x'), /\/nowhere\/x: there is no such file/);
  });

  it('reads a tensor that lies beyond 4 GiB', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'big.safetensors');
      const big = 5 * 2 ** 30;
      const header = formatHeader({}, [
        { name: 'big', dtype: 'U8', shape: [big], begin: 0, end: big },
        { name: 'small', dtype: 'F32', shape: [2], begin: big, end: big + 8 },
      ]);
      const handle = await open(path, 'w');
      await handle.write(header);
      await handle.truncate(header.length + big); // a hole: it takes no space on the disk
      await handle.write(
        new Uint8Array(Float32Array.of(1.5, -2).buffer),
        0,
        8,
        header.length + big,
      );
      await handle.close();
      const file = await openSafetensors(path);
      assert.deepEqual(await file.read('small'), Float32Array.of(1.5, -2));
      await file.close();
    }));

  it('notices any flipped bit of a file whose hash is known', () =>
    inTemporaryFolder(async (folder) => {
      const whole = readFileSync(PYTHON_FILE);
      const sha256 = createHash('sha256').update(whole).digest('hex');
      const path = join(folder, 'damaged.safetensors');
      for (let bit = 0; bit < whole.length * 8; bit += 37) {
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        writeFileSync(path, damaged);
        await assert.rejects(openSafetensors(path, { sha256 }), /damaged\.safetensors: .+/);
      }
      writeFileSync(path, whole);
      await (await openSafetensors(path, { sha256 })).close();
    }));
});

describe('writeSafetensors', () => {
  it('writes the bytes that Python writes, whatever order the tensors come in', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'ours.safetensors');
      await writeSafetensors(path, (await readAll(PYTHON_FILE)).reverse());
      assert.ok(readFileSync(path).equals(readFileSync(PYTHON_FILE)));
      assert.deepEqual(readdirSync(folder), ['ours.safetensors']);
    }));

  it('leaves a checksum that exposes any flipped bit of the data', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'sum.safetensors');
      const data = Float32Array.from({ length: 50 }, (_, i) => i / 7);
      await writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [50], data }], {
        checksum: 'sha256',
      });
      const whole = readFileSync(path);
      await (await openSafetensors(path)).close();
      for (let bit = (whole.length - 200) * 8; bit < whole.length * 8; bit += 13) {
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        writeFileSync(path, damaged);
        await assert.rejects(openSafetensors(path), /sum\.safetensors: it is damaged: its SHA-256/);
      }
    }));

  it('refuses a wrong size, a wrong array and a name twice, and leaves the old file alone', () =>
    inTemporaryFolder(async (folder) => {
      const path = join(folder, 'x.safetensors');
      writeFileSync(path, 'old');
      const good = { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array(2) } as const;
      await assert.rejects(
        writeSafetensors(path, [{ ...good, shape: [3] }]),
        /"w" of shape \[3\] got 2/,
      );
      await assert.rejects(
        writeSafetensors(path, [{ ...good, dtype: 'I64' }]),
        /I64 is written from a BigInt64Array/,
      );
      await assert.rejects(writeSafetensors(path, [good, good]), /two "w"/);
      assert.deepEqual(readdirSync(folder), ['x.safetensors']);
      assert.equal(readFileSync(path, 'utf8'), 'old');
    }));

  it('gives back what it was given (1,000 random files)', () => {
    const dtypes = { F32: 4, F16: 2, BF16: 2, F64: 8, I64: 8, I32: 4, U8: 1, BOOL: 1 } as const;
    const tensor = fc
      .tuple(
        fc.constantFrom(...(Object.keys(dtypes) as FileDType[])),
        fc.array(fc.nat(4), { maxLength: 3 }),
        fc.infiniteStream(fc.nat(255)),
      )
      .map(([dtype, shape, bytes]) => {
        const size = shape.reduce((a, b) => a * b, dtypes[dtype]);
        const raw = Uint8Array.from({ length: size }, () => bytes.next().value ?? 0);
        return { dtype, shape, data: decodeElements(dtype, raw.buffer) };
      });
    const file = fc.dictionary(fc.string({ unit: 'grapheme' }), tensor, { maxKeys: 6 });
    return inTemporaryFolder((folder) =>
      fc.assert(
        fc.asyncProperty(file, async (tensors) => {
          const path = join(folder, 'random.safetensors');
          const written = Object.entries(tensors)
            .filter(([name]) => name !== '__metadata__')
            .map(([name, rest]) => ({ name, ...rest }));
          await writeSafetensors(path, written);
          const read = await readAll(path);
          const sorted = (x: typeof read) => [...x].sort((a, b) => (a.name < b.name ? -1 : 1));
          assert.deepEqual(sorted(read), sorted(written));
        }),
        { seed: 1, numRuns: 1000 },
      ),
    );
  });
});
