/** `DpoReadFile` against what the engine's own conversions make of the same bytes. */
import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHandle } from '../../../src/engine/backend';
import { sizeOf } from '../../../src/engine/dtype';
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

const int64 = (...numbers: number[]) =>
  createHandle([numbers.length], INT64, BigInt64Array.from(numbers, BigInt));

/** A weight of the buffer: where it starts, its shape, and what the file has for it. */
interface Wanted {
  readonly first: number;
  readonly shape: readonly number[];
  readonly type: StoredName;
  readonly stored: ArrayBufferView;
  readonly reversed?: boolean;
}

/** Reads weights that a file holds one after the other from `FRONT` on into a buffer full of sevens. */
async function readInto(
  length: number,
  as: number,
  weights: readonly Wanted[],
): Promise<Float32Array> {
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, 'weights');
    const bytes = weights.map(
      ({ stored }) => new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength),
    );
    await writeFile(path, Buffer.concat([Buffer.alloc(FRONT, 0xee), ...bytes]));
    const handle = await open(path);
    let position = FRONT;
    const places = weights.flatMap(({ first, shape, type, stored, reversed }) => {
      const at = position;
      position += stored.byteLength;
      const [height = 0, width = 0, inputs = 0] = reversed ? shape : [];
      return [at, STORED[type], first, sizeOf(shape), height * width, inputs];
    });
    const buffer = (as === BFLOAT16 ? bfloats : floats)(new Float32Array(length).fill(7));
    const [file, table] = [int64(handle.fd), int64(...places)];
    try {
      runOp('DpoReadFile', [file, table, buffer], 0, { T: as });
      return as === BFLOAT16 ? readBfloats(buffer) : read(buffer).slice();
    } finally {
      free(buffer, file, table);
      await handle.close();
    }
  });
}

/** Reads numbers that a file holds into a weight of that shape. */
const readBack = (
  stored: ArrayBufferView,
  shape: readonly number[],
  { type, as, reversed = false }: { type: StoredName; as: number; reversed?: boolean },
) => readInto(sizeOf(shape), as, [{ first: 0, shape, type, stored, reversed }]);

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

  it('widens every float16 to the same bits, and makes NaN quiet', async () => {
    const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const found = await readBack(every, [65536], { type: 'F16', as: FLOAT });
    const quiet = bits(float16ToFloat32(every)).map((b) =>
      (b & 0x7fffffff) > 0x7f800000 ? b | 0x400000 : b,
    );
    assert.deepEqual(bits(found), quiet);
  });

  for (const as of [FLOAT, BFLOAT16])
    it(`reads many weights at once into ${as === FLOAT ? 'float32' : 'bfloat16'}, and nothing between them`, async () => {
      const rounded = (data: Float32Array) =>
        as === FLOAT ? data : bfloat16ToFloat32(float32ToBfloat16(data));
      const expected = new Float32Array(3_000_000).fill(7);
      const weights = (
        [
          [2_000_000, [700_003], 'F32', false],
          [64, [3, 3, 70, 320], 'F16', true],
          [32, [20], 'F16', false],
          [1_000_000 - 8, [1, 1, 640, 640], 'BF16', true],
          [1_500_000 - 5, [3, 3, 4, 36], 'F32', true], // at no multiple of a cache line
        ] as const
      ).map(([first, shape, type, reversed]) => {
        const data = sequence(sizeOf(shape));
        const numbers = rounded(decoded[type](data));
        const [height, width, I, O] = shape as readonly number[];
        const taps = (height ?? 1) * (width ?? 1);
        expected.set(reversed ? turned(numbers, O ?? 1, I ?? 1, taps) : numbers, first);
        return { first, shape, type, stored: encode[type](data), reversed };
      });
      const found = await readInto(expected.length, as, weights);
      assert.deepEqual(bits(found), bits(expected));
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
    const place = { first: 0, shape: [9], type: 'F32', stored: few } as const;
    for (const [wanted, refusal] of [
      [{ first: 1 }, /beyond the buffer/],
      [{ first: -1 }, /beyond the buffer/],
      [{ shape: [1, -1, 3, -3], reversed: true }, /no convolution/],
    ] as const)
      await assert.rejects(readInto(9, FLOAT, [{ ...place, ...wanted }]), refusal);
    const weight = floats(few);
    const [closed, places] = [int64(1_000_000), int64(0, 0, 0, 9, 0, 0)];
    for (const [table, refusal] of [
      [places, /reading failed: Bad file descriptor/],
      [int64(0, 3, 0, 9, 0, 0), /no such stored type/],
      [int64(0, 0, 0, 9, 2, 2), /no convolution/],
      [int64(0, 0, 0), /a place has six numbers/],
    ] as const) {
      assert.throws(() => runOp('DpoReadFile', [closed, table, weight], 0, { T: FLOAT }), refusal);
      free(table);
    }
    free(weight, closed);
  });
});
