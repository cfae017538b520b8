import assert from 'node:assert/strict';
import { makeSampler } from '../../src/diffusion';
import { scalar } from '../../src/engine';
import { jsonFixture } from '../support/fixtures';

interface Grid {
  readonly class: string;
  readonly spacing: string;
  readonly steps: number;
  readonly timesteps: readonly number[];
}

const { grids } = jsonFixture<{ grids: Grid[] }>('diffusion', 'schedules.json');
const config = (fields: Record<string, unknown>) => ({
  _class_name: 'DDIMScheduler',
  steps_offset: 1,
  skip_prk_steps: true,
  ...fields,
});
const start = (fields: Record<string, unknown>, steps: number) =>
  makeSampler(config(fields)).start(steps, { drawNoise: () => scalar(0) });

describe('timesteps of a run', () => {
  for (const spacing of ['leading', 'trailing', 'linspace'])
    it(`are those of diffusers, spacing ${spacing}`, () => {
      for (const grid of grids.filter((g) => g.spacing === spacing)) {
        const run = start({ _class_name: grid.class, timestep_spacing: spacing }, grid.steps);
        assert.deepEqual(run.timesteps, grid.timesteps, `${grid.class}, ${grid.steps} steps`);
      }
    });

  it('end at 0 where numpy adds a step of its own by rounding', () => {
    // numpy: arange(1000, 0, −1000/61) has 62 values, the last one 1e−13; diffusers visits timestep −1
    const { timesteps } = start({ timestep_spacing: 'trailing' }, 61);
    assert.equal(timesteps.length, 61);
    assert.equal(timesteps[60], 15);
  });

  it('are refused where the model has none', () => {
    assert.throws(
      () => start({}, 0),
      /numInferenceSteps is 0; the model has timesteps for 1 to 1000/,
    );
    assert.throws(() => start({}, 1001), /numInferenceSteps is 1001/);
    assert.throws(() => start({}, 2.5), /numInferenceSteps is 2.5/);
    assert.throws(() => start({}, 1000), /the first timestep is 1000.*trained on 0 … 999/);
    assert.throws(
      () => start({ _class_name: 'PNDMScheduler', skip_prk_steps: false }, 3),
      /needs at least 4 steps, got 3/,
    );
  });
});
