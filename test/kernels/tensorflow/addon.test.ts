import assert from 'node:assert/strict';
import {
  createHandle,
  deleteHandle,
  execute,
  heldHandles,
  readHandle,
} from '../../../src/engine/backend';

type Numbers = ArrayBufferView & ArrayLike<number | bigint>;

/** TensorFlow's dtype numbers (tensorflow/c/tf_datatype.h), with an array that each is read as. */
const types: readonly (readonly [name: string, dtype: number, data: Numbers])[] = [
  ['float32', 1, Float32Array.of(0.1, Number.NaN, -0)],
  ['float64', 2, Float64Array.of(0.1, Number.NEGATIVE_INFINITY, -0)],
  ['int32', 3, Int32Array.of(-(2 ** 31), 1, 2 ** 31 - 1)],
  ['uint8', 4, Uint8Array.of(0, 1, 255)],
  ['int16', 5, Int16Array.of(-32768, 0, 32767)],
  ['int8', 6, Int8Array.of(-128, 0, 127)],
  ['complex64', 8, Float32Array.of(1, -1, 2, -2, 3, -3)],
  ['int64', 9, BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 53n + 1n)],
  ['bool', 10, Uint8Array.of(0, 1, 1)],
  ['bfloat16', 14, Uint16Array.of(0x3f80, 0x7fc1, 0x8000)],
  ['uint16', 17, Uint16Array.of(0, 1, 65535)],
  ['half', 19, Uint16Array.of(0x3c00, 0x7e01, 0x8000)],
  ['uint32', 22, Uint32Array.of(0, 1, 2 ** 32 - 1)],
  ['uint64', 23, BigUint64Array.of(0n, 1n, 2n ** 64n - 1n)],
  ['float8_e4m3fn', 25, Uint8Array.of(0x38, 0x7f, 0x80)],
];
const bytesOf = (x: ArrayBufferView) =>
  new Uint8Array(x.buffer.slice(x.byteOffset, x.byteOffset + x.byteLength) as ArrayBuffer);

/** Reads a handle and frees it. */
function take(id: number): ArrayBufferView {
  try {
    return readHandle(id);
  } finally {
    deleteHandle(id);
  }
}

describe('the tfjs addon', () => {
  for (const [name, dtype, data] of types) {
    it(`holds ${name}, from its array or from bytes, bit for bit`, () => {
      const before = heldHandles();
      const back = take(createHandle([3], dtype, data));
      assert.equal(back.constructor, data.constructor);
      assert.deepEqual(bytesOf(back), bytesOf(data));
      assert.deepEqual(bytesOf(take(createHandle([1, 3], dtype, bytesOf(data)))), bytesOf(data));
      assert.equal(heldHandles(), before);
    });
  }

  it('executes operations whose results are of any type', () => {
    const before = heldHandles();
    const x = createHandle([3], 1, Float32Array.of(1, 2, 3));
    const cast = (to: number) => {
      const types = {
        SrcT: { type: 'dtype', value: 1 },
        DstT: { type: 'dtype', value: to },
      } as const;
      const [y] = execute('Cast', types, [x], 1);
      assert.equal(y?.dtype, to);
      return take(y?.id ?? -1);
    };
    assert.deepEqual(cast(2), Float64Array.of(1, 2, 3));
    assert.deepEqual(cast(6), Int8Array.of(1, 2, 3));
    assert.deepEqual(cast(9), BigInt64Array.of(1n, 2n, 3n));
    assert.deepEqual(cast(14), Uint16Array.of(0x3f80, 0x4000, 0x4040));
    assert.deepEqual(cast(19), Uint16Array.of(0x3c00, 0x4000, 0x4200));
    deleteHandle(x);
    assert.equal(heldHandles(), before);
  });

  it('takes int64 as pairs of int32 too, as tfjs writes it', () => {
    const pairs = Int32Array.of(5, 0, -1, -1);
    assert.deepEqual(take(createHandle([2], 9, pairs)), BigInt64Array.of(5n, -1n));
  });

  it('holds no elements, and one without a dimension', () => {
    assert.equal(take(createHandle([0, 7], 14, new Uint16Array(0))).byteLength, 0);
    assert.deepEqual(take(createHandle([], 2, Float64Array.of(7))), Float64Array.of(7));
  });

  it('refuses an array of another type or size, and a type without a size', () => {
    const before = heldHandles();
    const refused = (dtype: number, data: ArrayBufferView, why: RegExp) =>
      assert.throws(() => createHandle([2], dtype, data), why);
    refused(1, new Int32Array(2), /type does not match the typed array: TensorFlow dtype 1/);
    refused(14, new Float32Array(1), /type does not match .* dtype 14/);
    refused(7, new Uint8Array(2), /type does not match .* dtype 7/); // a string
    refused(14, new Uint16Array(3), /2 elements of 2 bytes, got 6 bytes/);
    refused(2, new Uint8Array(15), /2 elements of 8 bytes, got 15 bytes/);
    assert.throws(() => createHandle([-1, -2], 1, new Float32Array(2)), /does not match/);
    assert.equal(heldHandles(), before);
  });

  it('copies, also memory that TensorFlow could have shared', () => {
    // At one of 16 offsets the memory is aligned as TensorFlow wants it.
    const memory = new Float32Array(80).fill(1);
    const ids = Array.from({ length: 16 }, (_, i) =>
      createHandle([64], 1, memory.subarray(i, i + 64)),
    );
    memory.fill(7);
    for (const id of ids)
      assert.deepEqual(new Set(take(id) as Float32Array), new Set(Float32Array.of(1)));
  });

  it('names the whole id of a handle that is not there', () => {
    assert.throws(() => readHandle(2 ** 40 + 5), /1099511627781/);
    assert.throws(() => deleteHandle(2 ** 40 + 5), /1099511627781/);
  });
});
