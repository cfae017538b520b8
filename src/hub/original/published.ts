/** What goes with each family's weights where only these are given, as in the published folders. */
import type { SchedulerConfig } from '../../diffusion/scheduler-config';
import type { JsonObject } from '../json-file';
import { STABLE_DIFFUSION_INDEX } from '../model-index';
import type { FamilyName } from './family';

const BETAS = {
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

const EULER: SchedulerConfig = {
  _class_name: 'EulerDiscreteScheduler',
  ...BETAS,
  interpolation_type: 'linear',
  prediction_type: 'epsilon',
  timestep_spacing: 'leading',
  use_karras_sigmas: false,
};

const SDXL_INDEX: JsonObject = {
  _class_name: 'StableDiffusionXLPipeline',
  _diffusers_version: '0.20.0',
  force_zeros_for_empty_prompt: true,
  scheduler: ['diffusers', 'EulerDiscreteScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  tokenizer_2: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
};

const INDICES: Readonly<Record<FamilyName, JsonObject>> = {
  sd1: STABLE_DIFFUSION_INDEX,
  sd2: { ...STABLE_DIFFUSION_INDEX, scheduler: ['diffusers', 'DDIMScheduler'] },
  sdxl: SDXL_INDEX,
  refiner: {
    ...SDXL_INDEX,
    _class_name: 'StableDiffusionXLImg2ImgPipeline',
    force_zeros_for_empty_prompt: false,
    requires_aesthetics_score: true,
    text_encoder: [null, null],
    tokenizer: [null, null],
  },
};

/** `model_index.json`. */
export const publishedIndex = (family: FamilyName): JsonObject => INDICES[family];

/** Where the tokenizers are, of which a single file has nothing. */
export const PUBLISHED: Readonly<Record<FamilyName, string>> = {
  sd1: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
  sd2: 'stabilityai/stable-diffusion-2-1',
  sdxl: 'stabilityai/stable-diffusion-xl-base-1.0',
  refiner: 'stabilityai/stable-diffusion-xl-refiner-1.0',
};

/**
 * `scheduler_config.json`. No name in a file tells what Stable Diffusion 2.x predicts: v, as diffusers has it where it is
 * not told otherwise.
 */
export function publishedScheduler(family: FamilyName): SchedulerConfig {
  if (family === 'sdxl' || family === 'refiner') return EULER;
  return family === 'sd1'
    ? { _class_name: 'PNDMScheduler', ...BETAS, trained_betas: null }
    : { _class_name: 'DDIMScheduler', ...BETAS, prediction_type: 'v_prediction' };
}
