/** The samplers, the diffusers class behind each, and the fields that class reads, with its own defaults (diffusers 0.42). */

/** The sampler of each supported diffusers class. */
export const samplerOfClass = {
  DDIMScheduler: 'ddim',
  PNDMScheduler: 'pndm',
  DDPMScheduler: 'ddpm',
  EulerDiscreteScheduler: 'euler',
  EulerAncestralDiscreteScheduler: 'euler_a',
  HeunDiscreteScheduler: 'heun',
  LMSDiscreteScheduler: 'lms',
  DPMSolverMultistepScheduler: 'dpmsolver_multistep',
  DPMSolverSinglestepScheduler: 'dpmsolver_singlestep',
  UniPCMultistepScheduler: 'unipc',
  LCMScheduler: 'lcm',
  TCDScheduler: 'tcd',
} as const;

/** The classes of diffusers that there is a sampler for. */
export type SchedulerClass = keyof typeof samplerOfClass;
/** The samplers by their short names. */
export type SamplerName = (typeof samplerOfClass)[SchedulerClass];
/** What a sampler can be asked for by. */
export type SchedulerName = SamplerName | SchedulerClass;

export const schedulerClasses = Object.keys(samplerOfClass) as readonly SchedulerClass[];
export const samplerNames: readonly SamplerName[] = Object.values(samplerOfClass);

const isClass = (name: string): name is SchedulerClass => Object.hasOwn(samplerOfClass, name);

/** The sampler of that short name or diffusers class; undefined where there is none. */
export const samplerNamed = (name: string): SamplerName | undefined =>
  isClass(name) ? samplerOfClass[name] : samplerNames.find((sampler) => sampler === name);

export type Fields = Readonly<Record<string, unknown>>;

const betas = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null,
  prediction_type: 'epsilon',
};
const latentBetas = { ...betas, beta_start: 0.00085, beta_end: 0.012 };
const leading = { timestep_spacing: 'leading', steps_offset: 0 };
const linspace = { timestep_spacing: 'linspace', steps_offset: 0 };
const thresholding = {
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  sample_max_value: 1,
};
const clipping = { clip_sample: true, clip_sample_range: 1 };
const ladders = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
};
const ends = { sigma_min: null, sigma_max: null };
const zeroSnr = { rescale_betas_zero_snr: false };
const flow = { use_flow_sigmas: false, use_dynamic_shifting: false };
const solver = {
  ...thresholding,
  ...ladders,
  ...flow,
  solver_order: 2,
  lower_order_final: true,
  final_sigmas_type: 'zero',
};
const dpmSolver = {
  ...betas,
  ...solver,
  algorithm_type: 'dpmsolver++',
  solver_type: 'midpoint',
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  variance_type: null,
};
const consistency = {
  ...latentBetas,
  ...leading,
  ...clipping,
  ...thresholding,
  ...zeroSnr,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  set_alpha_to_one: true,
  original_inference_steps: 50,
  timestep_scaling: 10,
};

/** The fields that each class reads, with its defaults. */
export const fieldsOf: Readonly<Record<SamplerName, Fields>> = {
  ddim: { ...betas, ...leading, ...clipping, ...thresholding, ...zeroSnr, set_alpha_to_one: true },
  pndm: { ...betas, ...leading, set_alpha_to_one: false, skip_prk_steps: false },
  ddpm: {
    ...betas,
    ...leading,
    ...clipping,
    ...thresholding,
    ...zeroSnr,
    variance_type: 'fixed_small',
  },
  euler: {
    ...betas,
    ...linspace,
    ...ladders,
    ...ends,
    ...zeroSnr,
    interpolation_type: 'linear',
    timestep_type: 'discrete',
    final_sigmas_type: 'zero',
  },
  euler_a: { ...betas, ...linspace, ...zeroSnr },
  heun: { ...latentBetas, ...linspace, ...ladders, ...clipping, clip_sample: false },
  lms: { ...betas, ...linspace, ...ladders },
  dpmsolver_multistep: {
    ...dpmSolver,
    ...linspace,
    ...zeroSnr,
    euler_at_final: false,
    use_lu_lambdas: false,
  },
  dpmsolver_singlestep: { ...dpmSolver, lower_order_final: false },
  unipc: {
    ...betas,
    ...linspace,
    ...solver,
    ...ends,
    ...zeroSnr,
    solver_type: 'bh2',
    predict_x0: true,
    disable_corrector: [],
    solver_p: null,
    shift_terminal: null,
  },
  lcm: consistency,
  tcd: consistency,
};

/** Fields that some scheduler class of diffusers has: a file may carry them where its own sampler does not read them. */
export const knownFields: ReadonlySet<string> = new Set([
  ...Object.values(fieldsOf).flatMap((fields) => Object.keys(fields)),
  ...`flow_shift noise_sampler_seed rho sigma_data sigma_schedule time_shift_type`.split(' '),
]);
