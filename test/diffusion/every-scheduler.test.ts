import assert from 'node:assert/strict';
import { schedulerClasses } from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { heldRuns } from '../support/scheduler-runs';

// Prime, so that no choice of any field falls through; test/parity holds all configurations.
const EVERY = 7;

describe('every scheduler', () => {
  for (const name of schedulerClasses)
    it(`${name} goes as diffusers' own, and leaves no tensor alive`, () => {
      const alive = tensorCount();
      const { count, failures } = heldRuns(name, EVERY);
      assert.ok(count >= 3, `${count} configurations`);
      assert.deepEqual(failures, []);
      assert.equal(tensorCount(), alive, 'tensors left alive');
    });
});
