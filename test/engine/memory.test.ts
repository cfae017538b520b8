import assert from 'node:assert/strict';
import {
  accumulateGrads,
  inTurn,
  noGrad,
  Parameters,
  peakMemory,
  peakTensorBytes,
  recomputed,
  type Tensor,
  tidy,
  zeros,
} from '../../src/engine';

const MEBIBYTE = 2 ** 20;

describe('peakMemory', () => {
  it('sees memory that is given back before the end', () => {
    if (process.platform !== 'linux') assert.throws(() => peakMemory(() => 0), /Peak memory/);
    else {
      const { value, growth, peak } = peakMemory(() => {
        const block = zeros([48 * MEBIBYTE]).add(1);
        block.dispose();
        return 7;
      });
      assert.equal(value, 7);
      assert.ok(growth > 150 * MEBIBYTE, `${growth / MEBIBYTE} MiB`);
      assert.ok(peak > growth);
      assert.ok(peakMemory(() => 0).growth < 20 * MEBIBYTE);
    }
  });
});

describe('peakTensorBytes', () => {
  before(() => {
    // What the engine keeps for good, such as shapes, exists from the first use on.
    tidy(() => zeros([1000]).reshape([10, 100]));
    Parameters.allocate([['w', [32, 10]]]).dispose();
  });

  it('is the most that live tensors held, in bytes of their element type', () => {
    const { growth } = peakTensorBytes(() =>
      tidy(() => {
        const a = zeros([1000]); // 4000
        const b = a.cast('bfloat16'); // 6000
        a.dispose(); // 2000
        const c = b.cast('float32'); // 6000
        b.dispose();
        c.cast('float32').add(c); // 8000
      }),
    );
    assert.equal(growth, 8000);
  });

  it('counts memory that tensors share once, until the last of them is freed', () => {
    const { growth } = peakTensorBytes(() => {
      const a = zeros([1000]);
      const matrix = a.reshape([10, 100]);
      a.dispose();
      const other = zeros([1000]); // 8000 while the reshaped tensor lives
      for (const t of [matrix, other]) t.dispose();
      zeros([1500]).dispose();
    });
    assert.equal(growth, 8000);
  });

  it('counts weights and their views once', () => {
    const made = peakTensorBytes(() => Parameters.allocate([['w', [32, 10]]]));
    assert.equal(made.growth, 4 * 320);
    made.value.dispose();
    assert.equal(peakTensorBytes(() => undefined).growth, 0);
  });

  it('keeps the outer account when one is inside another', () => {
    const { growth } = peakTensorBytes(() => {
      zeros([500]).dispose();
      assert.equal(peakTensorBytes(() => zeros([10]).dispose()).growth, 40);
    });
    assert.equal(growth, 2000);
  });

  it('is of two results where steps are taken in turn, and what they begin with stays', () => {
    const x = zeros([1000]);
    const double = (t: Tensor) => t.mul(2);
    const { value, growth } = peakTensorBytes(() => inTurn(x, [double, double, double, double]));
    assert.equal(growth, 8000);
    assert.deepEqual([x.isDisposed, value.isDisposed], [false, false]);
    assert.equal(inTurn(x, [(t) => t]), x);
    for (const t of [x, value]) t.dispose();
  });

  it('falls when a chain of blocks is computed again for its gradient', () => {
    const weights = Parameters.allocate([['w', [1000]]]).trainable();
    const block = (x: Tensor) => x.mul(weights.tensor('w')).square().square().square();
    const peak = (run: (x: Tensor) => Tensor) =>
      peakTensorBytes(() =>
        tidy(() => {
          const x = zeros([1000]);
          accumulateGrads(() => run(run(run(x))).sum());
        }),
      ).growth;
    const run = noGrad(() => peak(recomputed('block', block)));
    assert.ok(run < peak(block), `${run}`);
    weights.dispose();
  });
});
