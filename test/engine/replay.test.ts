import assert from 'node:assert/strict';
import { replay, tensorCount } from '../../src/engine';
import { dtypeNumbers } from '../../src/engine/dtype';
import { dtype } from '../../src/engine/ops/call';

const unary = (name: string, numbers: number, times: number) => ({
  ...{ name, times, outputs: 1, attributes: { T: dtype('float32') } },
  inputs: [{ shape: [numbers], dtype: dtypeNumbers.float32 }],
});

/** A clock that goes on by `tick` seconds whenever it is read. */
function clockOf(tick: number) {
  let reads = 0;
  return () => tick * reads++;
}

describe('replay', () => {
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 2e-3, `${actual} s, expected ${expected} s`);

  it('multiplies what each kind of call takes by how often it comes', () => {
    const before = tensorCount();
    near(replay([unary('Neg', 10, 3), unary('Neg', 1000, 2)], { clock: clockOf(1) }), 5);
    assert.equal(tensorCount(), before);
  });

  it('makes a short call three times, and a long one once', () => {
    for (const [tick, made] of [
      [0.01, 3],
      [1, 1],
    ] as const) {
      let reads = 0;
      const clock = () => tick * reads++;
      near(replay([unary('Neg', 10, 1)], { clock }), tick);
      assert.equal(reads, 2 + 2 * made); // start, before the call, around each
    }
  });

  it('makes the largest first, and after the limit only operations that are new', () => {
    const calls = [unary('Neg', 10, 3), unary('Exp', 1, 7), unary('Neg', 1000, 1)];
    // Neg of 1000: 1 s, at the limit; Neg of 10: a hundredth of that, three times; Exp: 1 s, seven times
    near(replay(calls, { limit: 3, clock: clockOf(1) }), 1 + 0.03 + 7);
  });
});
