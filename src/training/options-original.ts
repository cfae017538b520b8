/**
 * The 51 flags of the original train.py: names, types, defaults and meanings are its own; what they do here where that
 * is something else stands in option-notes.ts. Upstream: train.py `parse_args`.
 */
import { SELECTOR_NAMES } from '../scoring/selector-names';
import { choice, group, integer, number, onOff, requiredText, text } from './option-spec';

/** diffusers' schedules by name; the original passes any name on to diffusers. */
export const LR_SCHEDULERS = [
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
  'constant',
  'constant_with_warmup',
  'piecewise_constant',
] as const;

const model = group('Model', {
  pretrained_model_name_or_path: requiredText('folder of a pipeline, or its name on the hub'),
  revision: text(undefined, 'branch, tag or commit of models that come from the hub'),
  unet_init: text('', 'pipeline whose unet/ both policy and reference start from'),
  pretrained_vae_model_name_or_path: text(undefined, 'folder or name of another autoencoder'),
  sdxl: onOff('train SDXL: resolution 1024, Adafactor, gradient checkpointing'),
});

const data = group('Data', {
  dataset_name: text(undefined, 'folder or file of the pairs, or their name on the hub'),
  dataset_config_name: text(undefined, 'configuration of a data set of the hub'),
  train_data_dir: text(undefined, 'folder of training data, where no --dataset_name is given'),
  image_column: text('image', 'column of pictures; for fine-tuning on data without pairs'),
  caption_column: text('caption', 'column of texts, or of lists of texts'),
  max_train_samples: integer(undefined, { min: 1 }, 'train on a random choice of this many'),
  split: text('train', 'part of the data set; only train is shuffled'),
  cache_dir: text(undefined, 'where what comes from the hub is kept'),
  resolution: integer(
    undefined,
    { min: 8, multipleOf: 8 },
    'side of the pictures in pixels; default: 512, with --sdxl 1024',
  ),
  random_crop: onOff('cut a random square out of each picture instead of the middle one'),
  no_hflip: onOff('mirror no picture; otherwise every second one is'),
  proportion_empty_prompts: number(0.2, { min: 0, max: 1 }, 'share of prompts that are emptied'),
  choice_model: text(
    '',
    `winners by a scorer instead of the labels: ${SELECTOR_NAMES.join(', ')}, a path or hub name of a CLIP model`,
  ),
  dreamlike_pairs_only: onOff('only pairs whose pictures both come from a "dream" model'),
  dataloader_num_workers: integer(0, { min: 0 }, 'workers that read and prepare pictures'),
});

const schedule = group('Length and learning rate', {
  train_batch_size: integer(1, { min: 1 }, 'pairs in a micro-batch'),
  gradient_accumulation_steps: integer(1, { min: 1 }, 'micro-batches in an optimizer step'),
  max_train_steps: integer(2000, { min: 1 }, 'optimizer steps'),
  num_train_epochs: integer(100, { min: 1 }, 'recomputed from --max_train_steps'),
  learning_rate: number(1e-8, { min: 0 }, 'rate after warm-up'),
  scale_lr: onOff('multiply the rate by the effective batch'),
  lr_scheduler: choice(LR_SCHEDULERS, 'constant_with_warmup', 'course of the rate'),
  lr_warmup_steps: integer(500, { min: 0 }, 'optimizer steps over which the rate rises from 0'),
});

const optimizer = group('Optimizer', {
  use_adafactor: onOff('Adafactor instead of AdamW: less memory, and no clipping by norm'),
  adam_beta1: number(0.9, { min: 0, below: 1 }, 'decay of the mean of gradients'),
  adam_beta2: number(0.999, { min: 0, below: 1 }, 'decay of the mean of their squares'),
  adam_weight_decay: number(1e-2, { min: 0 }, 'weight decay, of Adafactor too'),
  adam_epsilon: number(1e-8, { min: 0 }, 'added to the root of the mean square'),
  max_grad_norm: number(1, { min: 0 }, 'norm that the gradient is clipped to'),
});

const loss = group('Loss', {
  beta_dpo: number(5000, { above: 0 }, 'hold of the reference; of kto 1000, of dspo 0.001'),
  sft: onOff('fine-tune on the preferred pictures; the same as --loss_type sft'),
  noise_offset: number(0, { min: 0 }, 'share of noise that is the same in all pixels of a picture'),
  input_perturbation: number(0, { min: 0 }, 'extra noise in the input that is not to be predicted'),
});

const run = group('Run', {
  output_dir: text('sd-model-finetuned', 'folder of checkpoints, records and the trained model'),
  seed: integer(undefined, { min: 0, max: 2 ** 32 - 1 }, 'default: one is drawn and reported'),
  checkpointing_steps: integer(500, { min: 1 }, 'optimizer steps between checkpoints'),
  resume_from_checkpoint: text('latest', "folder of a checkpoint, latest, or '' to start anew"),
  hard_skip_resume: onOff('resume from the start of the epoch, whatever was used of it'),
  report_to: choice(['tensorboard', 'wandb', 'all', 'none'], 'tensorboard', 'who draws the curves'),
  logging_dir: text('logs', 'folder of the curves, within --output_dir'),
  tracker_project_name: text('tuning', 'name under which the curves appear'),
  hub_model_id: text(undefined, 'never used, as in the original'),
});

const machine = group('Machine', {
  mixed_precision: choice(['no', 'fp16', 'bf16'], 'fp16', 'type of matrix work and activations'),
  gradient_checkpointing: onOff('compute activations again in the backward pass: less memory'),
  allow_tf32: onOff('lower precision of products on NVIDIA GPUs'),
  local_rank: integer(-1, { min: -1 }, 'process of a distributed run'),
});

export const ORIGINAL_FLAGS = {
  ...model,
  ...data,
  ...schedule,
  ...optimizer,
  ...loss,
  ...run,
  ...machine,
} as const;
