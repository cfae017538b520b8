import assert from 'node:assert/strict';
import { noiseSchedule } from '../../../src/diffusion';
import { tensor } from '../../../src/engine';
import { minSnrWeights, scalingFactorOf } from '../../../src/toyworld/making/base';
import { SCHEDULER_JSON } from '../../../src/toyworld/model-configs';
import { assertClose } from '../../support/assert';

describe('minSnrWeights', () => {
  it('is min(SNR, 1) / SNR', () => {
    const schedule = {
      ...noiseSchedule(SCHEDULER_JSON),
      alphasCumprod: Float64Array.of(0.8, 0.5, 0.1),
    };
    // SNR 4 → 1/4; SNR 1 → 1; SNR 1/9 → 1
    assertClose(minSnrWeights(schedule, [0, 1, 2]), [0.25, 1, 1]);
  });

  it('never counts an error more than once', () => {
    const weights = minSnrWeights(noiseSchedule(SCHEDULER_JSON), [0, 100, 500, 999]);
    assert.ok(weights.every((w) => w > 0 && w <= 1));
    assert.equal(weights[3], 1);
  });
});

describe('scalingFactorOf', () => {
  it('is one over the standard deviation', () => {
    assert.equal(scalingFactorOf(tensor([3, 7, 3, 7], [1, 2, 2, 1])), 0.5); // mean 5, deviation 2
  });
});
