import assert from 'node:assert/strict';
import { schedulerClasses } from '../../src/diffusion';
import { tensorCount } from '../../src/engine';
import { heldRuns } from '../support/scheduler-runs';

describe('every scheduler in every configuration', () => {
  for (const name of schedulerClasses)
    it(`${name} goes as diffusers' own, and leaves no tensor alive`, () => {
      const alive = tensorCount();
      const { count, failures } = heldRuns(name, 1);
      assert.ok(count >= 20, `${count} configurations`);
      assert.deepEqual(failures, []);
      assert.equal(tensorCount(), alive, 'tensors left alive');
    });
});
