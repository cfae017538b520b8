/** `DpoReadFile` against what the engine's own conversions make of the same bytes. */
import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHandle } from '../../../src/engine/backend';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../../src/engine/half';
import { inTemporaryFolder } from '../../support/temporary';
import {
  BFLOAT16,
  bfloats,
  FLOAT,
  floats,
  free,
  read,
  readBfloats,
  runOp,
  sequence,
} from './raw-ops';

const INT64 = 9;
const STORED = { F32: 0, F16: 1, BF16: 2 } as const;
type StoredName = keyof typeof STORED;

const FRONT = 13; // bytes before the numbers, so that they are aligned to nothing

const encode: Readonly<Record<StoredName, (data: Float32Array) => Uint16Array | Float32Array>> = {
  F32: (data) => data,
  F16: float32ToFloat16,
  BF16: float32ToBfloat16,
};

const decoded: Readonly<Record<StoredName, (data: Float32Array) => Float32Array>> = {
  F32: (data) => data,
  F16: (data) => float16ToFloat32(float32ToFloat16(data)),
  BF16: (data) => bfloat16ToFloat32(float32ToBfloat16(data)),
};

const bits = (data: Float32Array) => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** Reads numbers that a file holds from `FRONT` on into a weight of that shape. */
async function readBack(
  stored: ArrayBufferView,
  shape: readonly number[],
  { type, as, reversed = false }: { type: StoredName; as: number; reversed?: boolean },
): Promise<Float32Array> {
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, 'weights');
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    await writeFile(path, Buffer.concat([Buffer.alloc(FRONT, 0xee), bytes]));
    const handle = await open(path);
    const count = shape.reduce((n, d) => n * d, 1);
    const make = as === BFLOAT16 ? bfloats : floats;
    const weight = make(new Float32Array(count).fill(7), shape);
    const place = createHandle([2], INT64, BigInt64Array.of(BigInt(handle.fd), BigInt(FRONT)));
    try {
      runOp('DpoReadFile', [place, weight], 0, { T: as, stored: STORED[type], reversed });
      return as === BFLOAT16 ? readBfloats(weight) : read(weight).slice();
    } finally {
      free(weight, place);
      await handle.close();
    }
  });
}

/** PyTorch's [O, I, taps] in the order [taps, I, O]. */
const turned = (data: Float32Array, O: number, I: number, taps: number) =>
  Float32Array.from(data, (_, n) => {
    const [o, i, tap] = [n % O, Math.floor(n / O) % I, Math.floor(n / (O * I))];
    return data[(o * I + i) * taps + tap] ?? Number.NaN;
  });

describe('DpoReadFile', () => {
  for (const type of ['F32', 'F16', 'BF16'] as const)
    for (const as of [FLOAT, BFLOAT16]) {
      const into = as === FLOAT ? 'float32' : 'bfloat16';
      const rounded = (data: Float32Array) =>
        as === FLOAT ? data : bfloat16ToFloat32(float32ToBfloat16(data));

      for (const count of [1, 7, 1023, 300_001])
        it(`reads ${count} numbers of ${type} into ${into}`, async () => {
          const data = sequence(count);
          const found = await readBack(encode[type](data), [count], { type, as });
          assert.deepEqual(bits(found), bits(rounded(decoded[type](data))));
        });

      for (const [O, I, h, w] of [
        [1, 1, 3, 3],
        [37, 5, 3, 3],
        [64, 70, 1, 1],
        [131, 33, 3, 3],
        [600, 90, 3, 2],
      ] as const)
        it(`turns a convolution [${O}, ${I}, ${h}, ${w}] of ${type} round into ${into}`, async () => {
          const data = sequence(O * I * h * w);
          const found = await readBack(encode[type](data), [h, w, I, O], {
            type,
            as,
            reversed: true,
          });
          const expected = turned(rounded(decoded[type](data)), O, I, h * w);
          assert.deepEqual(bits(found), bits(expected));
        });
    }

  it('widens every float16 to the same bits', async () => {
    const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const found = await readBack(every, [65536], { type: 'F16', as: FLOAT });
    assert.deepEqual(bits(found), bits(float16ToFloat32(every)));
  });

  it('says that the file has ended, and what it cannot do', async () => {
    const few = sequence(9);
    for (const [shape, reversed] of [
      [[10], false],
      [[1, 1, 2, 5], true],
    ] as const)
      await assert.rejects(
        readBack(few, shape, { type: 'F32', as: FLOAT, reversed }),
        /DpoReadFile: the file ended/,
      );
    await assert.rejects(
      readBack(few, [9], { type: 'F32', as: FLOAT, reversed: true }),
      /only convolutions/,
    );
    const weight = floats(few);
    const closed = createHandle([2], INT64, BigInt64Array.of(1_000_000n, 0n));
    assert.throws(
      () => runOp('DpoReadFile', [closed, weight], 0, { T: FLOAT, stored: 0, reversed: false }),
      /reading failed: Bad file descriptor/,
    );
    free(weight, closed);
  });
});
