import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/engine/half';
import { jsonFixture } from '../support/fixtures';

const expected = jsonFixture<Record<string, string> & { step: number; count: number }>(
  'hub',
  'values.json',
);
const sha256 = (x: ArrayBufferView) =>
  createHash('sha256')
    .update(Buffer.from(x.buffer, x.byteOffset, x.byteLength))
    .digest('hex');

/** Every 9,973rd float32 bit pattern, without the NaNs. */
function floats(): Float32Array {
  const patterns = Array.from(
    { length: Math.ceil(2 ** 32 / expected.step) },
    (_, i) => i * expected.step,
  );
  return new Float32Array(Uint32Array.from(patterns).buffer).filter((x) => !Number.isNaN(x));
}

const everyHalf = Uint16Array.from({ length: 65536 }, (_, i) => i);
const onlyOneNaN = (x: Float32Array) =>
  x.map((value) => (Number.isNaN(value) ? Number.NaN : value));

describe('float16 and bfloat16', () => {
  it('widen every bit pattern as torch does', () => {
    assert.equal(sha256(onlyOneNaN(float16ToFloat32(everyHalf))), expected.fromFloat16);
    assert.equal(sha256(onlyOneNaN(bfloat16ToFloat32(everyHalf))), expected.fromBfloat16);
  });

  it('round float32 of every magnitude as torch does', () => {
    const x = floats();
    assert.equal(x.length, expected.count);
    assert.equal(sha256(float32ToFloat16(x)), expected.toFloat16);
    assert.equal(sha256(float32ToBfloat16(x)), expected.toBfloat16);
  });

  it('come back bit for bit, NaN payloads included', () => {
    assert.deepEqual(float32ToFloat16(float16ToFloat32(everyHalf)), everyHalf);
    assert.deepEqual(float32ToBfloat16(bfloat16ToFloat32(everyHalf)), everyHalf);
  });

  it('keep a NaN whose payload is cut off', () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    assert.deepEqual([...float32ToFloat16(nan)], [0x7e00, 0xfe00]);
    assert.deepEqual([...float32ToBfloat16(nan)], [0x7fc0, 0xffc0]);
  });
});
