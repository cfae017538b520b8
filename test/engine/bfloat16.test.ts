import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Tensor, tensor, tidy, toTf, valueAndGrad } from '../../src/engine';
import { createHandle, deleteHandle, readHandle } from '../../src/engine/backend';
import { dtypeNumbers } from '../../src/engine/dtype';
import { assertNoLeak } from '../support/assert';
import { jsonFixture } from '../support/fixtures';

/** SHA-256 of PyTorch's results over all bit patterns, or every `step`th (test/fixtures/make_hub.py). */
const torch = jsonFixture<Record<string, string> & { readonly step: number }>('hub', 'values.json');
const sha256 = (x: ArrayBufferView) =>
  createHash('sha256')
    .update(Buffer.from(x.buffer, x.byteOffset, x.byteLength))
    .digest('hex');

const everyPattern = Uint16Array.from({ length: 65536 }, (_, i) => i);
/** torch's file has one NaN for all. */
const oneNaN = (x: Float32Array) => x.map((value) => (Number.isNaN(value) ? Number.NaN : value));
const bitsOf = (t: Tensor) => readHandle(t.id) as Uint16Array;

function floatsOfEveryMagnitude(): Float32Array {
  const patterns = Uint32Array.from(
    { length: Math.ceil(2 ** 32 / torch.step) },
    (_, i) => i * torch.step,
  );
  return new Float32Array(patterns.buffer).filter((x) => !Number.isNaN(x));
}

describe('bfloat16 tensors', () => {
  it('hold every bit pattern and read as torch widens them', () => {
    assertNoLeak(() => {
      const x = tensor(everyPattern, [256, 256], 'bfloat16');
      assert.equal(x.dtype, 'bfloat16');
      assert.deepEqual(bitsOf(x), everyPattern);
      assert.equal(sha256(oneNaN(x.floats())), torch.fromBfloat16);
      x.dispose();
    });
  });

  it('become float32 as torch widens them', () => {
    tidy(() => {
      const wide = tensor(everyPattern, [65536], 'bfloat16').cast('float32');
      assert.equal(wide.dtype, 'float32');
      assert.equal(sha256(oneNaN(wide.floats())), torch.fromBfloat16);
    });
  });

  it('come from float32 of every magnitude as torch rounds', () => {
    tidy(() => {
      const x = floatsOfEveryMagnitude();
      assert.equal(sha256(bitsOf(tensor(x, [x.length], 'bfloat16'))), torch.toBfloat16);
      assert.equal(sha256(bitsOf(tensor(x, [x.length]).cast('bfloat16'))), torch.toBfloat16);
    });
  });

  it('keep NaN and the infinities', () => {
    tidy(() => {
      const x = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0], [4]);
      const [nan, ...rest] = x.cast('bfloat16').floats();
      assert.ok(Number.isNaN(nan));
      assert.deepEqual(rest, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]);
    });
  });

  it('give numbers, not bit patterns, as item and data', () => {
    tidy(() => {
      assert.equal(tensor([1.5], [], 'bfloat16').item(), 1.5);
      assert.deepEqual(tensor([1, -2], [2], 'bfloat16').dataSync(), Float32Array.of(1, -2));
    });
  });

  it('let a gradient through a cast, in the type of what was cast', () => {
    assertNoLeak(() => {
      tidy(() => {
        const x = tensor([1, 2.00390625, 3], [3]);
        const { value, grads } = valueAndGrad(
          () => x.cast('bfloat16').cast('float32').square().sum(),
          [x],
        );
        assert.equal(value.item(), 1 + 4 + 9); // 2 + 2⁻⁸ lies halfway, and goes to the even 2
        assert.equal(grads[0]?.dtype, 'float32');
        assert.deepEqual([...(grads[0]?.floats() ?? [])], [2, 4, 6]);
      });
    });
  });

  it('do not leave for tfjs, which has no such type', () => {
    tidy(() => assert.throws(() => toTf(tensor([1], [1], 'bfloat16')), /no bfloat16; cast/));
  });
});

describe('handles of types the engine does not compute with', () => {
  it('are refused by name', () => {
    const double = 2;
    const id = createHandle([1], double, Float64Array.of(0.1));
    assert.throws(() => new Tensor({ id, shape: [1], dtype: double }), /dtype number 2 is not one/);
    assert.ok(!Object.values<number>(dtypeNumbers).includes(double));
    deleteHandle(id);
  });
});
