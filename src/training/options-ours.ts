/** Flags that the original does not have. None changes what one of the original's means. */
import { choice, group, integer, number, onOff, settings, text, texts } from './option-spec';
import type { ParitySwitches } from './parity';

const model = group('Model', {
  config: text(
    undefined,
    'where the model is a file: folder or name of a pipeline with its configs and tokenizers; default: the published one',
  ),
  variant: text(undefined, 'weight files with this in their name, such as fp16'),
  lora_rank: integer(undefined, { min: 1 }, 'train an adapter of this rank, not the whole UNet'),
  lora_alpha: number(undefined, { above: 0 }, 'strength of the adapter; default: its rank'),
  lora_target_modules: texts(
    ['to_q', 'to_k', 'to_v', 'to_out.0'],
    'layers that get an adapter; default: to_q to_k to_v to_out.0',
  ),
});

const data = group('Data', {
  chosen_column: text(undefined, 'column of the preferred pictures; default: chosen, or by label'),
  rejected_column: text(undefined, 'column of the other pictures; default: rejected'),
  paired_augmentation: onOff('mirror and crop both pictures of a pair in the same way'),
  true_micro_conditioning: onOff('tell SDXL the real sizes and crops of the pictures'),
});

const schedule = group('Length and learning rate', {
  lr_num_cycles: integer(1, { min: 1 }, 'of cosine_with_restarts: how often the rate starts anew'),
  lr_power: number(1, { above: 0 }, 'of polynomial: the exponent of its fall'),
  lr_step_rules: text(
    undefined,
    'of piecewise_constant, as diffusers writes them: 1:10,0.1:20,0.01',
  ),
});

const optimizer = group('Optimizer', {
  use_ema: onOff("keep a running mean of the policy's weights"),
  ema_decay: number(0.9999, { min: 0, max: 1 }, 'decay of that mean'),
  accelerate_0_20_2_accumulation: onOff(
    "as accelerate 0.20.2, the original's: from the second epoch on every micro-batch is a step",
  ),
});

const loss = group('Loss', {
  loss_type: choice(
    ['dpo', 'ipo', 'hinge', 'sft', 'mapo', 'kto', 'dspo'],
    'dpo',
    'what is minimised',
  ),
  timesteps: choice(
    ['auto', 'all', 'turbo', 'refiner'],
    'auto',
    'times that are trained; auto: by the name of the model, as the original',
  ),
  parity: choice(
    ['repo', 'paper', 'fixed'],
    'fixed',
    "repo: the original's faults too; paper: what the paper says; fixed: neither's faults",
  ),
  parity_switch: settings<Partial<ParitySwitches>>(
    'single switches on top of --parity, such as tieFilter=always; notebooks/03-parity-ledger.ipynb has them all',
  ),
});

const run = group('Run', {
  save_every_minutes: number(undefined, { above: 0 }, 'checkpoints by the clock, besides by steps'),
  checkpoints_total_limit: integer(undefined, { min: 1 }, 'checkpoints kept; default: all'),
  ignore_config_difference: texts(
    [],
    'flags in which the checkpoint that is resumed may differ from this command',
  ),
  validation_prompts: texts([], 'draw these, base beside policy, at the same seeds'),
  validation_steps: integer(100, { min: 1 }, 'optimizer steps between those drawings'),
});

export const OUR_FLAGS = {
  ...model,
  ...data,
  ...schedule,
  ...optimizer,
  ...loss,
  ...run,
} as const;
