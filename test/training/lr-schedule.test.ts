import assert from 'node:assert/strict';
import { type LrScheduleName, type LrScheduleOptions, lrSchedules } from '../../src/training';
import { jsonFixture } from '../support/fixtures';

interface Case {
  readonly name: LrScheduleName;
  readonly options: LrScheduleOptions;
  readonly rates: readonly number[];
}

const { cases } = jsonFixture<{ cases: readonly Case[] }>('training', 'schedules.json');
const run = { warmupSteps: 0, trainingSteps: 10 };

describe('lrSchedules', () => {
  for (const name of Object.keys(lrSchedules) as LrScheduleName[])
    it(`${name} gives diffusers' rates for 60 steps`, () => {
      const own = cases.filter((c) => c.name === name);
      assert.ok(own.length > 0);
      for (const { options, rates } of own) {
        const schedule = lrSchedules[name](options);
        rates.forEach((rate, step) => {
          const ours = (options.learningRate ?? 1) * schedule(step);
          const error = Math.abs(ours - rate);
          const label = `${JSON.stringify(options)}, step ${step}: ${ours}, expected ${rate}`;
          // A cosine near 0 has lost digits to its 1 −: judged by the whole rate there.
          assert.ok(error <= 1e-12 * rate + (name.startsWith('cosine') ? 1e-16 : 0), label);
        });
      }
    });

  it('takes the first step of a warm-up at rate 0, the one after its last at the whole rate', () => {
    const schedule = lrSchedules.constant_with_warmup({ warmupSteps: 500, trainingSteps: 2000 });
    assert.deepEqual([0, 250, 499, 500, 1999].map(schedule), [0, 0.5, 0.998, 1, 1]);
  });

  it('refuses a polynomial that would rise', () => {
    const make = () => lrSchedules.polynomial({ ...run, learningRate: 1e-8 });
    assert.throws(make, /falls to a rate of 1e-7; the learning rate must be higher, got 1e-8/);
  });

  it('refuses rules of another form', () => {
    for (const stepRules of ['', '1:10', '1:10,', '1:x,2', '1:2:3,4', 'a:1,2', '1.5', '1:1.5,2']) {
      const make = () => lrSchedules.piecewise_constant({ ...run, stepRules });
      if (stepRules === '1.5') assert.equal(make()(3), 1.5);
      else assert.throws(make, /Step rules are factors .*; got "/, stepRules);
    }
  });
});
