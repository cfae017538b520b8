import assert from 'node:assert/strict';
import { profile, tensor } from '../../src/engine';

describe('profile', () => {
  it('counts and times every operation of what it runs, and nothing after it', () => {
    const x = tensor([1, 2, 3], [3]);
    const { value, operations, milliseconds } = profile(() => x.add(x).add(x).mul(x));
    x.add(x).dispose();
    assert.deepEqual([...value.floats()], [3, 12, 27]);
    assert.deepEqual(
      new Map(operations.map(({ name, calls }) => [name, calls])),
      new Map([
        ['AddV2', 2],
        ['Mul', 1],
      ]),
    );
    const inOperations = operations.reduce((sum, cost) => sum + cost.milliseconds, 0);
    assert.ok(inOperations > 0 && inOperations <= milliseconds);
    const [first, second] = operations;
    assert.ok(Number(first?.milliseconds) >= Number(second?.milliseconds));
  });
});
