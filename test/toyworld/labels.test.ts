import assert from 'node:assert/strict';
import { TorchGenerator } from '../../src/random';
import { Draws } from '../../src/toyworld/draws';
import {
  bayesCeiling,
  drawLabel,
  preferenceProbability,
  TEMPERATURE,
} from '../../src/toyworld/labels';
import { assertClose } from '../support/assert';

describe('preferenceProbability', () => {
  it('is e to 1 at a difference of one temperature', () => {
    assertClose(preferenceProbability(TEMPERATURE), Math.E / (Math.E + 1));
    assert.equal(preferenceProbability(0), 0.5);
  });
});

describe('drawLabel', () => {
  it('is a tie where nobody sees a difference', () => {
    const draws = new Draws(new TorchGenerator(1));
    assert.equal(drawLabel(5, 5.05, draws), 0.5);
    assert.notEqual(drawLabel(5, 5.07, draws), 0.5);
  });

  it('prefers the first as often as Bradley and Terry say', () => {
    const draws = new Draws(new TorchGenerator(2));
    const labels = Array.from({ length: 4000 }, () => drawLabel(6, 6 - TEMPERATURE, draws));
    const share = labels.reduce<number>((sum, label) => sum + label, 0) / labels.length;
    assert.ok(Math.abs(share - 0.731) < 0.02, `${share}`); // ± 3 standard errors
  });
});

describe('bayesCeiling', () => {
  it('is the mean of max(p, 1 − p) over decided pairs', () => {
    // differences 1 and −1 at T = 1: e / (e + 1) = 0.73106 each; 2: 0.88080; 0 is a tie
    const ceiling = bayesCeiling([1, -1, 2, 0], { temperature: 1 });
    assertClose(ceiling, (0.7310586 + 0.7310586 + 0.8807971) / 3, { rtol: 1e-6 });
  });

  it('refuses pairs that are all ties', () => {
    assert.throws(() => bayesCeiling([0, 0.01]), /tie/);
  });
});
