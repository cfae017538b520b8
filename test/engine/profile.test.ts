import assert from 'node:assert/strict';
import { profile, tensor } from '../../src/engine';

describe('profile', () => {
  it('counts and times every operation of what it runs, and nothing after it', () => {
    const x = tensor([1, 2, 3], [3]);
    const { value, operations, milliseconds } = profile(() => x.div(2).div(2).mul(x));
    x.div(2).dispose();
    assert.deepEqual([...value.floats()], [0.25, 1, 2.25]);
    assert.deepEqual(
      new Map(operations.map(({ name, calls }) => [name, calls])),
      new Map([
        ['RealDiv', 2],
        ['Mul', 1],
      ]),
    );
    const inOperations = operations.reduce((sum, cost) => sum + cost.milliseconds, 0);
    assert.ok(inOperations > 0 && inOperations <= milliseconds);
    const [first, second] = operations;
    assert.ok(Number(first?.milliseconds) >= Number(second?.milliseconds));
  });
});
