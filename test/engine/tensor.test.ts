import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-node-gpu';
import { fromTf, scoped, type Tensor, tensor, tensorCount, tidy, toTf } from '../../src/engine';
import { assertNoLeak } from '../support/assert';

describe('tidy', () => {
  it('frees what was made, except what is returned, however nested', () => {
    const before = tensorCount();
    const { kept, list } = tidy(() => {
      const a = tensor([1, 2], [2]);
      return { kept: a.add(1), list: [a.mul(2), { deep: a.sub(1) }] as const };
    });
    assert.equal(tensorCount(), before + 3);
    assert.deepEqual([...kept.floats()], [2, 3]);
    const [doubled, { deep }] = list;
    for (const t of [kept, doubled, deep]) t.dispose();
    assert.equal(tensorCount(), before);
  });

  it('hands what it returns to the scope around it', () => {
    assertNoLeak(() => {
      tidy(() => {
        const inner = tidy(() => tensor([1], [1]).mul(3));
        assert.equal(inner.item(), 3);
      });
    });
  });

  it('frees everything when the function throws', () => {
    assertNoLeak(() => {
      assert.throws(() =>
        tidy(() => {
          tensor([1], [1]).add(1);
          throw new Error('stop');
        }),
      );
    });
  });

  it('does not free what was made outside it, nor what was disposed before', () => {
    assertNoLeak(() => {
      const outside = tensor([5], [1]);
      tidy(() => {
        outside.add(1).dispose();
        return outside;
      });
      assert.equal(outside.item(), 5);
      outside.dispose();
      outside.dispose();
    });
  });

  it('refuses an async function', () => {
    assert.throws(() => tidy(async () => 1), /cannot be async/);
  });
});

describe('scoped', () => {
  it('keeps the name and frees intermediates', () => {
    const twice = scoped('twice', (x: Tensor) => x.add(x).mul(1));
    assert.equal(twice.name, 'twice');
    assertNoLeak(() => {
      const x = tensor([2], [1]);
      const y = twice(x);
      assert.equal(y.item(), 4);
      for (const t of [x, y]) t.dispose();
    });
  });
});

describe('Tensor', () => {
  it('says which tensor is used after it was disposed', () => {
    const x = tensor([1, 2, 3], [3]);
    x.dispose();
    assert.throws(() => x.add(1), /shape \[3\] is used after it was disposed/);
  });

  it('says which shape does not fit', () => {
    tidy(() => {
      assert.throws(() => tensor([1, 2], [3]), /Shape \[3\] needs 3 values, got 2/);
      assert.throws(() => tensor([1, 2], [2]).reshape([3]), /\[2\] cannot become \[3\]/);
      assert.throws(() => tensor([1, 2], [2]).item(), /one element.*\[2\]/);
      assert.throws(() => tensor([1, 2], [2]).sum(1), /Axis 1 is outside/);
    });
  });

  it('copies the data it is made from', () => {
    // 64-byte-aligned memory is what TensorFlow would otherwise go on using.
    const memory = new Float32Array(new ArrayBuffer(4096), 48, 256);
    tidy(() => {
      const tensors = Array.from({ length: 16 }, (_, i) =>
        tensor(memory.subarray(i, i + 64).fill(1), [64]),
      );
      memory.fill(7);
      for (const t of tensors) assert.deepEqual(new Set(t.floats()), new Set([1]));
    });
  });
});

describe('fromTf and toTf', () => {
  it('share memory with tfjs in both directions, each side freeing its own handle', () => {
    const tfjsBefore = tf.memory().numTensors;
    assertNoLeak(() => {
      const theirs = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const ours = fromTf(theirs);
      theirs.dispose();
      const sum = ours.add(1);
      const back = toTf<tf.Tensor2D>(sum);
      for (const t of [ours, sum]) t.dispose();
      assert.deepEqual(back.arraySync(), [
        [2, 3],
        [4, 5],
      ]);
      back.dispose();
    });
    assert.equal(tf.memory().numTensors, tfjsBefore);
  });

  it('refuse element types the engine does not compute with', () => {
    const words = tf.tensor1d(['a']);
    assert.throws(() => fromTf(words), /not string/);
    words.dispose();
  });
});
