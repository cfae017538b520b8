import assert from 'node:assert/strict';
import { Parameters, tensorCount, type WeightShape, withKernels } from '../../src/engine';
import { Ema, type EmaOptions, emaDecay } from '../../src/training';
import { jsonFixture } from '../support/fixtures';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

interface Case {
  readonly options: {
    readonly decay?: number;
    readonly min_decay?: number;
    readonly update_after_step?: number;
    readonly use_ema_warmup?: boolean;
    readonly inv_gamma?: number;
    readonly power?: number;
  };
  readonly steps: readonly { readonly decay: number; readonly average: readonly number[] }[];
}

const WEIGHTS: readonly WeightShape[] = [
  ['a', [7]],
  ['b', [3, 5]],
];

const { cases } = jsonFixture<{ cases: Record<string, Case> }>('training', 'ema.json');

function optionsOf({ options }: Case): EmaOptions {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** The weights of make_ema.py after step `step`; before the first, −1, they are as at step 0. */
function write(weights: Parameters, step: number): void {
  WEIGHTS.forEach(([name, shape], i) => {
    weights.write(name, wave(shape, 10 * Math.max(step, 0) + i));
  });
}

const valuesOf = ({ average }: Ema) => WEIGHTS.flatMap(([name]) => Array.from(average.read(name)));

describe('Ema', () => {
  for (const mode of kernelModes)
    for (const [name, expected] of Object.entries(cases))
      it(`has the bits of diffusers’ EMAModel over 20 steps: ${name} (${mode} kernels)`, () =>
        withKernels(mode, () => {
          const before = tensorCount();
          const weights = Parameters.allocate(WEIGHTS);
          write(weights, -1);
          const ema = new Ema(weights, optionsOf(expected));
          expected.steps.forEach(({ decay, average }, step) => {
            write(weights, step);
            const difference = Math.abs(ema.step() - decay); // a power may differ in its last bit
            assert.ok(difference < 1e-15, `decay of step ${step + 1}`);
            assert.deepEqual(valuesOf(ema), average.map(Math.fround), `step ${step + 1}`);
          });
          ema.dispose();
          weights.dispose();
          assert.equal(tensorCount(), before);
        }));

  it('goes on from its arrays and its count as if it had never stopped', () => {
    const options: EmaOptions = { decay: 0.7, updateAfterStep: 2 };
    const weights = Parameters.allocate(WEIGHTS);
    const whole = new Ema(weights, options);
    const first = new Ema(weights, options);
    for (let step = 0; step < 5; step++) {
      write(weights, step);
      whole.step();
      first.step();
    }
    const saved = WEIGHTS.map(([name]) => [name, first.average.read(name)] as const);
    const resumed = new Ema(weights, options);
    for (const [name, values] of saved) resumed.average.write(name, values);
    resumed.resumeAt(first.optimizationStep);
    for (let step = 5; step < 9; step++) {
      write(weights, step);
      assert.equal(resumed.step(), whole.step());
    }
    assert.deepEqual(valuesOf(resumed), valuesOf(whole));
    assert.equal(resumed.optimizationStep, 9);
    for (const owned of [whole, first, resumed, weights]) owned.dispose();
  });
});

describe('emaDecay', () => {
  it('grows from nothing to the given decay', () => {
    assert.equal(emaDecay(1), 0);
    assert.equal(emaDecay(2), 2 / 11);
    assert.equal(emaDecay(11), 11 / 20);
    assert.equal(emaDecay(1e6), 0.9999);
    assert.equal(emaDecay(12, { updateAfterStep: 10 }), 2 / 11);
    assert.equal(emaDecay(11, { updateAfterStep: 10, minDecay: 0.5 }), 0);
    assert.equal(emaDecay(2, { useEmaWarmup: true, power: 1 }), 0.5); // a plain mean
  });
});
