import assert from 'node:assert/strict';
import { fma32 } from '../../src/random/fma32';

describe('fma32', () => {
  it('rounds once where a rounded double would be a tie', () => {
    // a·b = 2^-24 (1 − 2^-46): with c the sum is just below half-way between c and c + 2^-23
    const c = 1 + 2 ** -23; // odd last bit, so a tie would round up
    const [a, b] = [(1 + 2 ** -23) * 2 ** -12, (1 - 2 ** -23) * 2 ** -12];
    assert.equal(Math.fround(a * b + c), c + 2 ** -23);
    assert.equal(fma32(a, b, c), c);
    assert.equal(fma32(-a, b, -c), -c);
  });

  it('keeps a true tie a tie', () => {
    assert.equal(fma32(2 ** -12, 2 ** -12, 1 + 2 ** -23), 1 + 2 ** -22);
    assert.equal(fma32(2 ** -12, 2 ** -12, 1), 1);
  });
});
