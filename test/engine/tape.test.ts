import assert from 'node:assert/strict';
import {
  accumulateGrads,
  noGrad,
  Parameters,
  recomputed,
  type Tensor,
  tensor,
  tensorCount,
  tidy,
  valueAndGrad,
} from '../../src/engine';
import { assertClose, assertNoLeak } from '../support/assert';

describe('valueAndGrad', () => {
  it('adds up the gradients of every use of a tensor', () => {
    // f = (x² + 3x) · x → f′ = 3x² + 6x = 24 at x = 2
    assertNoLeak(() => {
      tidy(() => {
        const x = tensor([2], [1]);
        const { value, grads } = valueAndGrad(() => x.square().add(x.mul(3)).mul(x).sum(), [x]);
        assert.equal(value.item(), 20);
        assertClose(grads[0] as Tensor, [24]);
      });
    });
  });

  it('is zero for a tensor that the loss does not depend on', () => {
    tidy(() => {
      const [x, y] = [tensor([2], [1]), tensor([1, 2], [2])];
      assertClose(valueAndGrad(() => x.sum(), [x, y]).grads[1] as Tensor, [0, 0]);
    });
  });

  it('returns what the function names beside the loss', () => {
    tidy(() => {
      const x = tensor([3], [1]);
      const { value } = valueAndGrad(() => ({ loss: x.sum(), half: x.mul(0.5) }), [x]);
      assert.equal(value.half.item(), 1.5);
    });
  });

  it('refuses a loss of several elements and leaves nothing behind', () => {
    assertNoLeak(() => {
      tidy(() => {
        const x = tensor([1, 2], [2]);
        assert.throws(() => valueAndGrad(() => x.mul(2), [x]), /one-element tensor/);
      });
    });
  });

  it('records nothing under noGrad', () => {
    tidy(() => {
      const x = tensor([2], [1]);
      const { grads } = valueAndGrad(
        () =>
          noGrad(() => x.square())
            .mul(x)
            .sum(),
        [x],
      );
      assertClose(grads[0] as Tensor, [4]); // the square counts as a constant
    });
  });

  it('frees activations that no backward step needs while the forward pass runs', () => {
    tidy(() => {
      const x = tensor([1], [1]);
      let most = 0;
      const before = tensorCount();
      valueAndGrad(() => {
        let y = x;
        for (let i = 0; i < 100; i++) {
          const previous = y;
          y = tidy(() => previous.add(1).add(1));
          most = Math.max(most, tensorCount() - before);
        }
        return y.sum();
      }, [x]);
      // an addition saves nothing: only the scopes' own results are alive
      assert.ok(most <= 101, `${most} tensors`);
    });
  });
});

describe('recomputed', () => {
  const layers = (x: Tensor, w: Tensor) => x.matmul(w).tanh().matmul(w).sigmoid();

  it('gives the gradients of the block it wraps, and holds fewer tensors meanwhile', () => {
    assertNoLeak(() => {
      tidy(() => {
        const x = tensor([0.1, -0.2, 0.3, 0.4], [2, 2]);
        const w = tensor([0.5, -1, 2, 0.25], [2, 2]);
        const block = recomputed('block', layers);
        const plain = valueAndGrad(() => layers(layers(x, w), w).sum(), [x, w]);
        const again = valueAndGrad(() => block(block(x, w), w).sum(), [x, w]);
        assert.equal(again.value.item(), plain.value.item());
        again.grads.forEach((gradient, i) => {
          assert.deepEqual(gradient.floats(), plain.grads[i]?.floats()); // every sum in the same order
        });
      });
    });
  });

  it('reaches trainable weights that are not arguments', () => {
    const weights = Parameters.allocate([['w', [2, 2]]]).trainable();
    weights.write('w', Float32Array.of(0.5, -1, 2, 0.25));
    const w = weights.tensor('w');
    tidy(() => {
      const x = tensor([0.1, -0.2, 0.3, 0.4], [2, 2]);
      accumulateGrads(() => layers(x, w).sum());
      const expected = weights.readGrad('w');
      weights.zeroGrad();
      const block = recomputed('block', (h: Tensor) => layers(h, w));
      accumulateGrads(() => block(x).sum());
      assert.deepEqual(weights.readGrad('w'), expected);
    });
    weights.dispose();
  });
});
