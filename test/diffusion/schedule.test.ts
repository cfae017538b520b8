import assert from 'node:assert/strict';
import {
  addNoise,
  alphaCumprodAt,
  noiseSchedule,
  type SchedulerConfig,
  velocity,
} from '../../src/diffusion';
import { mixture, readPrediction } from '../../src/diffusion/prediction';
import { tensor, tidy } from '../../src/engine';
import { assertClose, assertNoLeak } from '../support/assert';
import { jsonFixture } from '../support/fixtures';

interface ScheduleCase {
  readonly config: Omit<SchedulerConfig, '_class_name'>;
  readonly alphas_cumprod: Readonly<Record<string, number>>;
}

const { schedules } = jsonFixture<{ schedules: Record<string, ScheduleCase> }>(
  'diffusion',
  'schedules.json',
);
const stableDiffusion = {
  _class_name: 'DDPMScheduler',
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
};

describe('noiseSchedule', () => {
  it("gives Stable Diffusion's ᾱ to eight digits", () => {
    const at = (config: SchedulerConfig) =>
      [0, 249, 499, 749, 999].map((t) => alphaCumprodAt(noiseSchedule(config), t).toFixed(8));
    assert.deepEqual(at(stableDiffusion), [
      '0.99915000',
      '0.67543241',
      '0.27766965',
      '0.05662349',
      '0.00466010',
    ]);
    assert.deepEqual(at({ ...stableDiffusion, rescale_betas_zero_snr: true }), [
      '0.99915000',
      '0.65418901',
      '0.24235917',
      '0.03317148',
      '0.00000000',
    ]);
  });

  for (const [name, { config, alphas_cumprod }] of Object.entries(schedules)) {
    it(`agrees with diffusers' float32: ${name}`, () => {
      const schedule = noiseSchedule({ _class_name: 'DDIMScheduler', ...config });
      for (const [t, alpha] of Object.entries(alphas_cumprod))
        assertClose(alphaCumprodAt(schedule, Number(t)), alpha, {
          rtol: 5e-6,
          label: `ᾱ at ${t}`,
        });
    });
  }

  it('refuses what it does not compute, by name', () => {
    const refused = (fields: Record<string, unknown>, message: RegExp) =>
      assert.throws(() => noiseSchedule({ ...stableDiffusion, ...fields }), message);
    refused(
      { beta_schedule: 'sigmoid' },
      /"beta_schedule" is "sigmoid"; supported: linear, scaled/,
    );
    refused({ trained_betas: [0.1, 0.2] }, /"trained_betas" is \[0.1,0.2\]; supported: null/);
    refused({ beta_end: '0.012' }, /"beta_end" is "0.012"; supported: a number between 0 and 1/);
    refused({ num_train_timesteps: 0 }, /"num_train_timesteps" is 0/);
    refused({ prediction_type: 'sample' }, /"prediction_type" is "sample"; supported: epsilon, v_/);
  });
});

describe('addNoise', () => {
  const schedule = {
    numTrainTimesteps: 2,
    alphasCumprod: Float64Array.of(0.64, 0.36),
    predictionType: 'epsilon' as const,
  };
  const latents = () => tensor([1, 2, 3, 4], [2, 1, 2, 1]);
  const noise = () => tensor([10, 20, 30, 40], [2, 1, 2, 1]);

  it('mixes each row at its own timestep', () => {
    // t = 1: 0.6 · (1, 2) + 0.8 · (10, 20); t = 0: 0.8 · (3, 4) + 0.6 · (30, 40)
    assertClose(addNoise(schedule, latents(), noise(), [1, 0]), [8.6, 17.2, 20.4, 27.2]);
  });

  it('is undone by the prediction it implies, for ε and for v', () => {
    const noisy = addNoise(schedule, latents(), noise(), [1, 1]);
    const v = velocity(schedule, latents(), noise(), [1, 1]);
    for (const { predOriginal, noisePred } of [
      readPrediction('epsilon', noise(), noisy, mixture(0.36)),
      readPrediction('v_prediction', v, noisy, mixture(0.36)),
    ]) {
      assertClose(predOriginal, latents(), { rtol: 1e-6 });
      assertClose(noisePred, noise(), { rtol: 1e-6 });
    }
  });

  it('refuses a timestep outside the schedule and a wrong number of them', () => {
    tidy(() => {
      assert.throws(() => addNoise(schedule, latents(), noise(), [0, 2]), /Timestep 2 is outside/);
      assert.throws(() => addNoise(schedule, latents(), noise(), [0]), /1 timesteps .* 2 rows/);
    });
  });

  it('leaves no tensor alive', () => {
    const [x, e] = [latents(), noise()];
    assertNoLeak(() => addNoise(schedule, x, e, [1, 0]).dispose());
  });
});
