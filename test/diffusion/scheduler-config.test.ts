import assert from 'node:assert/strict';
import { makeSampler, type SchedulerConfig, samplerNames } from '../../src/diffusion';
import { pipelineScheduler } from '../../src/diffusion/pipeline-scheduler';
import { samplerConfig } from '../../src/diffusion/scheduler-config';
import { jsonFixture } from '../support/fixtures';

interface ConfigCase {
  readonly file: SchedulerConfig;
  readonly class: string | null;
  readonly expected: Readonly<Record<string, unknown>>;
}

const { configs } = jsonFixture<{ configs: ConfigCase[] }>('diffusion', 'schedules.json');
const nameOf = (className: string | null) =>
  samplerNames.find((name) => className?.toLowerCase().startsWith(name));

/** Our field for each of diffusers'. */
const fields = (c: ReturnType<typeof samplerConfig>): Record<string, unknown> => ({
  num_train_timesteps: c.numTrainTimesteps,
  beta_schedule: c.betaSchedule,
  beta_start: c.betaStart,
  beta_end: c.betaEnd,
  rescale_betas_zero_snr: c.rescaleBetasZeroSnr,
  prediction_type: c.predictionType,
  timestep_spacing: c.timestepSpacing,
  steps_offset: c.stepsOffset,
  set_alpha_to_one: c.setAlphaToOne,
  clip_sample: c.clipRange !== undefined,
  skip_prk_steps: c.skipPrkSteps,
  variance_type: c.varianceType,
});

describe('samplerConfig', () => {
  configs.forEach(({ file, class: override, expected }, i) => {
    it(`takes from file ${i} what diffusers takes: ${file._class_name} → ${override ?? 'itself'}`, () => {
      const scheduler = nameOf(override);
      const config = samplerConfig(pipelineScheduler(file, scheduler), scheduler);
      const ours = fields(config);
      for (const [field, value] of Object.entries(expected))
        if (field in ours) assert.deepEqual(ours[field], value, field);
      if (expected.clip_sample === true) assert.equal(config.clipRange, expected.clip_sample_range);
    });
  });

  const ddim = { _class_name: 'DDIMScheduler' };
  const refused = (file: SchedulerConfig, message: RegExp) =>
    assert.throws(() => samplerConfig(file), message);

  it('refuses a class by name and lists those there are', () => {
    refused(
      { _class_name: 'EulerDiscreteScheduler' },
      /"EulerDiscreteScheduler", which is not supported; supported are DDIM.*, PNDM.*, DDPM/,
    );
  });

  it('takes the fields of an unsupported class for a supported sampler', () => {
    const euler = {
      _class_name: 'EulerDiscreteScheduler',
      beta_end: 0.012,
      use_karras_sigmas: true,
    };
    assert.equal(makeSampler(euler, { scheduler: 'ddim' }).config.betaEnd, 0.012);
  });

  it('refuses fields that change the result and are not computed', () => {
    refused({ ...ddim, thresholding: true }, /"thresholding" is true; supported: false/);
    refused(
      { ...ddim, timestep_spacing: 'log' },
      /"timestep_spacing" is "log"; supported: leading/,
    );
    refused({ ...ddim, brightness: 2 }, /"brightness" is 2; supported: no such field/);
    refused({ ...ddim, clip_sample: 'yes' }, /"clip_sample" is "yes"; supported: true, false/);
    refused(
      { _class_name: 'DDPMScheduler', variance_type: 'learned_range' },
      /"variance_type" is "learned_range"; supported: fixed_small, fixed_small_log, fixed_large/,
    );
  });
});
