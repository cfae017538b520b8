import assert from 'node:assert/strict';
import {
  makeSampler,
  type SamplerConfig,
  type SchedulerClass,
  type SchedulerConfig,
  schedulerClasses,
} from '../../src/diffusion';
import { pipelineScheduler } from '../../src/diffusion/pipeline-scheduler';
import { fieldsOf } from '../../src/diffusion/scheduler-classes';
import { samplerConfig } from '../../src/diffusion/scheduler-config';
import { jsonFixture } from '../support/fixtures';

type Fields = Readonly<Record<string, unknown>>;

/** What StableDiffusionPipeline makes of a file, and another class of what it then has. */
interface PipelineCase {
  readonly file: SchedulerConfig;
  readonly class: SchedulerClass | null;
  readonly expected: Fields;
}

/** What a class makes of a file that another one wrote, as far as it is not its default. */
interface MovedCase {
  readonly file: number;
  readonly class: SchedulerClass;
  readonly moved: Fields;
}

const { configs } = jsonFixture<{ configs: PipelineCase[] }>('diffusion', 'schedules.json');
const { files, cases } = jsonFixture<{ files: SchedulerConfig[]; cases: MovedCase[] }>(
  'diffusion',
  'scheduler-configs.json',
);

/** Our field for each of diffusers'. */
const fields = (c: SamplerConfig): Fields => ({
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
  thresholding: c.threshold !== undefined,
  skip_prk_steps: c.skipPrkSteps,
  ...(c.sampler === 'ddpm' ? { variance_type: c.varianceType } : {}),
  use_karras_sigmas: c.sigmaLadder === 'karras',
  use_exponential_sigmas: c.sigmaLadder === 'exponential',
  use_beta_sigmas: c.sigmaLadder === 'beta',
  sigma_min: c.sigmaMin ?? null,
  sigma_max: c.sigmaMax ?? null,
  final_sigmas_type: c.finalSigmasType,
  solver_order: c.solverOrder,
  algorithm_type: c.algorithmType,
  solver_type: c.sampler === 'unipc' ? c.unipcSolverType : c.dpmSolverType,
  lower_order_final: c.lowerOrderFinal,
  original_inference_steps: c.originalInferenceSteps,
  timestep_scaling: c.timestepScaling,
});

describe('samplerConfig', () => {
  configs.forEach(({ file, class: scheduler, expected }, i) => {
    it(`takes from file ${i} what the pipeline takes: ${file._class_name} → ${scheduler ?? 'itself'}`, () => {
      const other = scheduler ?? undefined;
      const config = samplerConfig(pipelineScheduler(file, other), other);
      const ours = fields(config);
      for (const [field, value] of Object.entries(expected))
        if (field in ours) assert.deepEqual(ours[field], value, field);
      if (expected.clip_sample === true) assert.equal(config.clipRange, expected.clip_sample_range);
    });
  });

  for (const scheduler of schedulerClasses)
    it(`takes for ${scheduler} what its class takes of the others' files`, () => {
      const own = cases.filter((c) => c.class === scheduler);
      assert.ok(own.length > 6);
      for (const { file, moved } of own) {
        const config = samplerConfig(files[file] ?? { _class_name: '' }, scheduler);
        const ours = fields(config);
        const expected: Fields = { ...fieldsOf[config.sampler], ...moved };
        for (const [field, value] of Object.entries(ours))
          if (field in fieldsOf[config.sampler] && expected[field] !== null)
            assert.deepEqual(value, expected[field], `file ${file}: ${field}`);
      }
    });

  const ddim = { _class_name: 'DDIMScheduler' };
  const refused = (file: SchedulerConfig, message: RegExp) =>
    assert.throws(() => samplerConfig(file), message);

  it('refuses a class by name and lists those there are', () => {
    refused(
      { _class_name: 'KDPM2DiscreteScheduler' },
      /"KDPM2DiscreteScheduler", which is not supported; supported are DDIM.*TCDScheduler.*euler_a/,
    );
    refused({ _class_name: 'toString' }, /"toString", which is not supported/);
    assert.throws(
      () => samplerConfig(ddim, 'euler_b' as 'euler_a'),
      /There is no scheduler "euler_b"; supported are DDIMScheduler, .*ddim/,
    );
  });

  it('takes the fields of an unsupported class for a supported sampler', () => {
    const other = { _class_name: 'KDPM2DiscreteScheduler', beta_end: 0.012, use_beta_sigmas: true };
    assert.equal(makeSampler(other, { scheduler: 'ddim' }).config.betaEnd, 0.012);
    const { config } = makeSampler(other, { scheduler: 'HeunDiscreteScheduler' });
    assert.deepEqual([config.sampler, config.sigmaLadder], ['heun', 'beta']);
  });

  it('refuses fields that change the result and are not computed', () => {
    refused(
      { ...ddim, timestep_spacing: 'log' },
      /"timestep_spacing" is "log"; supported: linspace, leading/,
    );
    refused({ ...ddim, brightness: 2 }, /"brightness" is 2; supported: no such field/);
    refused({ ...ddim, clip_sample: 'yes' }, /"clip_sample" is "yes"; supported: true, false/);
    refused(
      { _class_name: 'DDPMScheduler', variance_type: 'learned_range' },
      /"variance_type" is "learned_range"; supported: fixed_small, fixed_small_log, fixed_large/,
    );
    refused(
      { _class_name: 'EulerAncestralDiscreteScheduler', prediction_type: 'sample' },
      /"prediction_type" is "sample"; supported: epsilon, v_prediction \(with euler_a\)/,
    );
  });

  it('refuses what diffusers refuses of solvers, or gives no numbers for', () => {
    const dpm = (more: Fields, kind = 'Multistep') => ({
      _class_name: `DPMSolver${kind}Scheduler`,
      ...more,
    });
    const unipc = (more: Fields) => ({ _class_name: 'UniPCMultistepScheduler', ...more });
    refused(dpm({ solver_order: 4 }), /"solver_order" is 4; supported: 1, 2, 3/);
    refused(
      dpm({ algorithm_type: 'dpmsolver' }),
      /"final_sigmas_type" is "zero"; supported: sigma_min \(with algorithm_type "dpmsolver"\)/,
    );
    const sde = { algorithm_type: 'sde-dpmsolver', final_sigmas_type: 'sigma_min' };
    refused(dpm({ ...sde, solver_order: 3 }), /"solver_order" is 3; supported: 1, 2 \(with/);
    refused(
      dpm(sde, 'Singlestep'),
      /"algorithm_type" is "sde-dpmsolver"; supported: dpmsolver\+\+/,
    );
    refused(dpm({ use_flow_sigmas: true }), /"use_flow_sigmas" is true; supported: false/);
    refused(dpm({ variance_type: 'learned' }), /"variance_type" is "learned"; supported: null/);
    refused(dpm({ solver_type: 'bh3' }), /"solver_type" is "bh3"; supported: midpoint, heun/);
    refused(
      dpm({ use_karras_sigmas: true, use_beta_sigmas: true }),
      /"use_beta_sigmas" is true; supported: false, where use_karras_sigmas is true/,
    );
    refused(unipc({ solver_type: 'bh1' }), /"solver_type" is "bh1"; supported: bh2 \(with final_/);
    refused(unipc({ predict_x0: false }), /"predict_x0" is false; supported: true \(with final_/);
    refused(unipc({ lower_order_final: false }), /"lower_order_final" is false; supported: true/);
    refused(unipc({ disable_corrector: [-1] }), /"disable_corrector" is \[-1\]; supported: a list/);
    refused(unipc({ sigma_min: 0 }), /"sigma_min" is 0; supported: null, a number > 0/);
  });
});
