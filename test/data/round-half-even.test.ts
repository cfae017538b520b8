import assert from 'node:assert/strict';
import { roundHalfEven } from '../../src/data/round-half-even';

describe('roundHalfEven', () => {
  it('rounds as numpy does', () => {
    const rounded = [0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001, 7].map(roundHalfEven);
    assert.deepEqual(
      rounded.map((x) => x + 0), // −0 is 0
      [0, 2, 2, 0, -2, 2, 3, 7],
    );
  });
});
