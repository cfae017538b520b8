import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { trainCommand } from '../../src/cli/train-args';
import { effectiveOptions } from '../../src/training/effective';
import { optionOf, type TrainFlag } from '../../src/training/options';
import { ORIGINAL_FLAGS } from '../../src/training/options-original';
import { jsonFixture } from '../support/fixtures';

interface Flags {
  readonly flags: readonly { readonly name: TrainFlag; readonly type: string }[];
  readonly shortest: Readonly<Record<TrainFlag, string>>;
  readonly lines: Readonly<
    Record<
      'README' | 'sd15' | 'sdxl' | 'turbo',
      { readonly argv: readonly string[]; readonly parsed: Readonly<Record<string, unknown>> }
    >
  >;
}

const { flags, shortest, lines } = jsonFixture<Flags>('training', 'flags.json');
const needed = ['--pretrained_model_name_or_path', 'owner/model', '--dataset_name', 'owner/data'];
const parsed = (...words: readonly string[]): Readonly<Record<string, unknown>> => ({
  ...trainCommand([...needed, ...words]).options,
});

/** A value for each flag that takes one, unlike its default. */
function sample(flag: TrainFlag): string {
  const given: Partial<Record<TrainFlag, string>> = {
    ...{ output_dir: 'out', cache_dir: 'cache', choice_model: 'aes', resume_from_checkpoint: '' },
    ...{ lr_scheduler: 'cosine', report_to: 'none', mixed_precision: 'bf16', resolution: '64' },
    ...{ adam_beta1: '0.5', adam_beta2: '0.5', proportion_empty_prompts: '0.5' },
    ...{ pretrained_vae_model_name_or_path: 'owner/vae', unet_init: 'owner/unet' },
  };
  const { type } = flags.find(({ name }) => name === flag) ?? { type: 'str' };
  return given[flag] ?? { int: '3', float: '0.25', str: 'word' }[type] ?? '';
}

describe('trainCommand', () => {
  for (const { name, type } of flags)
    it(`takes --${name}, its prefixes and its form with =`, () => {
      const value = sample(name);
      const written = type === 'int' || type === 'float' ? Number(value) : value;
      const option = optionOf(name);
      for (let length = shortest[name].length; length <= name.length + 2; length++) {
        const flag = `--${name}`.slice(0, length);
        if (type === 'switch') {
          assert.equal(parsed(flag)[option], true, flag);
          continue;
        }
        if (value !== '') assert.equal(parsed(flag, value)[option], written, flag);
        assert.equal(parsed(`${flag}=${value}`)[option], written, flag);
      }
    });

  it('takes several texts, and a negative number', () => {
    const words = ['--validation_prompts', 'a red star', 'two', '--local_rank', '-1', '--dry_run'];
    assert.deepEqual(parsed(...words).validationPrompts, ['a red star', 'two']);
    assert.equal(trainCommand([...needed, ...words]).action, 'print the plan');
    assert.equal(trainCommand(needed).action, 'train');
  });

  it('takes single switches of the ledger, all in one flag or each in its own', () => {
    const column = 'always "caption" for SDXL';
    const words = ['tieFilter=always', `captionColumn=${column}`];
    for (const line of [words, [words[0] ?? '', '--parity_switch', words[1] ?? '']])
      assert.deepEqual(parsed('--parity', 'repo', '--parity_switch', ...line).paritySwitch, {
        tieFilter: 'always',
        captionColumn: column,
      });
    assert.equal(parsed('--parity', 'repo').paritySwitch, undefined);
  });

  for (const [name, { argv, parsed: expected }] of Object.entries(lines))
    it(`reads the command of ${name} as the original does`, () => {
      const { options, notes } = trainCommand(argv);
      for (const flag of Object.keys(ORIGINAL_FLAGS) as TrainFlag[])
        assert.deepEqual(options[optionOf(flag)] ?? null, expected[flag], flag);
      assert.match(
        notes[0] ?? '',
        /^accelerate launch: one process trains here; for the batch of N/,
      );
    });

  it('gives the effective numbers of the launchers on the 16 GPUs they were written for', () => {
    const on16 = (argv: readonly string[]) =>
      effectiveOptions(
        trainCommand(
          argv.flatMap((word) => (word === 'launch' ? [word, '--num_processes', '16'] : [word])),
        ).options,
      );
    for (const name of ['sd15', 'sdxl', 'turbo'] as const) {
      const { totalBatchSize, learningRate, optimizer } = on16(lines[name].argv);
      assert.deepEqual([totalBatchSize, learningRate], [2048, 2.048e-5], name);
      assert.equal(optimizer, name === 'sd15' ? 'AdamW' : 'Adafactor');
    }
    const alone = effectiveOptions(trainCommand(lines.sd15.argv).options);
    assert.deepEqual([alone.totalBatchSize, alone.learningRate], [128, 1.28e-6]);
    const example = effectiveOptions(trainCommand(lines.README.argv).options);
    assert.deepEqual([example.totalBatchSize, example.learningRate], [1, 1e-8]);
  });

  const refused: readonly (readonly [words: string, message: RegExp])[] = [
    ['--nope 1', /unrecognized arguments: --nope 1/],
    ['--beta', /argument --beta_dpo: expected one argument/],
    ['--lr 1', /ambiguous option: --lr could match --lr_scheduler, --lr_warmup_steps/],
    ['--train_batch_size x', /argument --train_batch_size: 'x' is not allowed; give an integer/],
    ['--train_batch_size 0', /^--train_batch_size is 0; give an integer, 1 or more/],
    ['--train_batch_size 1.5', /--train_batch_size: '1\.5' is not allowed; give an integer/],
    ['--max_train_steps -1', /^--max_train_steps is -1; give an integer, 1 or more/],
    ['--gradient_accumulation_steps 0', /^--gradient_accumulation_steps is 0; give an integer, 1/],
    ['--checkpointing_steps 0', /^--checkpointing_steps is 0; give an integer, 1 or more/],
    ['--learning_rate inf', /--learning_rate: 'inf' is not allowed; give a number/],
    ['--learning_rate -1e-8', /^--learning_rate is -1e-8; give a number, 0 or more/],
    ['--beta_dpo 0', /^--beta_dpo is 0; give a number above 0/],
    ['--proportion_empty_prompts 2', /^--proportion_empty_prompts is 2; give a number from 0 to 1/],
    ['--adam_beta1 1', /^--adam_beta1 is 1; give a number from 0 to below 1/],
    ['--resolution 100', /^--resolution is 100; give a multiple of 8, 8 or more/],
    ['--seed -1', /^--seed is -1; give an integer from 0 to 4294967295/],
    ['--mixed_precision fp8', /^--mixed_precision is "fp8"; give one of no, fp16, bf16/],
    ['--lr_scheduler step', /^--lr_scheduler is "step"; give one of linear, cosine, /],
    ['--report_to comet_ml', /^--report_to is "comet_ml"; give one of tensorboard, wandb, all/],
    ['--loss_type orpo', /^--loss_type is "orpo"; give one of dpo, ipo, hinge, sft, mapo, kto/],
    ['--parity both', /^--parity is "both"; give one of repo, paper, fixed/],
    ['--parity_switch tieFilter', /--parity_switch: 'tieFilter' is not allowed; give NAME=VALUE/],
    ['--parity_switch ties=no', /^--parity_switch names "ties"; give one of perturbationOrder, /],
    ['--parity_switch tieFilter=no', /tieFilter is no; give names with "pickapic" or always/],
    ['--timesteps some', /^--timesteps is "some"; give one of auto, all, turbo, refiner/],
    ['--sdxl yes', /unrecognized arguments: yes/],
    ['--sft --loss_type ipo', /^--sft and --loss_type ipo contradict each other; give one/],
    ['--lora_alpha 4', /^--lora_alpha is 4, but --lora_rank is not given/],
    ['--lora_target_modules to_q', /^--lora_target_modules is \["to_q"\], but --lora_rank is not/],
    ['--ema_decay 0.9', /^--ema_decay is 0\.9, but --use_ema is not given/],
    ['--validation_steps 5', /^--validation_steps is 5, but --validation_prompts is not given/],
    ['--lr_step_rules 1:5,0.1', /^--lr_step_rules is "1:5,0\.1", but --lr_scheduler piecewise_con/],
    ['--lr_scheduler piecewise_constant', /--lr_step_rules is not given; give factors and steps/],
    [
      '--max_train_samples 3 --train_batch_size 4',
      /^--max_train_samples is 3: too few to fill a b/,
    ],
    [
      '--choice_model aes --parity repo --train_batch 2',
      /takes --train_batch_size 1 only, .* got 2/,
    ],
    ['--ignore_config_difference lr', /^--ignore_config_difference is "lr"; give names of flags/],
    [
      '--choice_model best',
      /^--choice_model is "best"; give embedded, pickscore, hps, hps-v2\.1, clip/,
    ],
    [
      '--unet_init /no/where',
      /^--unet_init is "\/no\/where": no such folder or file is there, and it is no/,
    ],
    ['--resume checkpoint-3', /^--resume_from_checkpoint is "checkpoint-3": no such folder is/],
    ['--preset sd2', /^--preset is 'sd2'; give sd15, sd15-paper, .* or the name of a file/],
  ];
  for (const [words, message] of refused)
    it(`refuses ${words}`, () =>
      assert.throws(() => trainCommand([...needed, ...words.split(' ')]), {
        name: 'UsageError',
        message,
      }));

  it('refuses a command without model or data', () => {
    assert.throws(() => trainCommand([]), /--pretrained_model_name_or_path is needed/);
    const model = needed.slice(0, 2);
    assert.throws(() => trainCommand(model), /give --dataset_name or --train_data_dir/);
    const none = [...model, '--train_data_dir', '/no/data'];
    assert.throws(() => trainCommand(none), /--train_data_dir is "\/no\/data"; give a folder/);
  });
});

describe('npm run train', () => {
  const run = (...words: readonly string[]) => {
    const argv = ['--import', 'tsx', join('src', 'cli', 'train.ts'), ...words];
    const env = { ...process.env, COLUMNS: '100', HF_HUB_OFFLINE: '1', HF_HOME: '/no/such/cache' };
    const cwd = resolve(__dirname, '..', '..');
    return spawnSync(process.execPath, argv, { cwd, env, encoding: 'utf8' });
  };

  it('prints the plan of a pasted command without a network', () => {
    const { status, stdout, stderr } = run(...lines.sdxl.argv, '--dry_run');
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^effective batch +128 pairs = 1 in a micro-batch × 128 accumulated × 1 p/m,
    );
    assert.match(stdout, /^learning rate +1\.28e-6 = 1e-8 × 128 \(--scale_lr\)$/m);
    assert.match(stdout, /^optimizer +Adafactor, weight decay 0\.01, clipped to norm 1$/m);
    assert.match(
      stdout,
      /^pictures +1024 × 1024, cut from the middle, every second one mirrored$/m,
    );
    assert.match(stdout, /^pairs +not known until "yuvalkirstain\/pickapic_v2" is downloaded/m);
    assert.match(stderr, /^--mixed_precision fp16 \(the default\): computing in bf16/m);
  });

  it('ends with status 2 and one sentence for a wrong flag', () => {
    const { status, stdout, stderr } = run(...needed, '--parity', 'none', '--dry_run');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(
      stderr,
      /^npm run train --: error: --parity is "none"; give one of repo, paper, f/,
    );
  });

  it('lists every flag in groups', () => {
    const { status, stdout } = run('--help');
    assert.equal(status, 0);
    assert.match(stdout, /^usage: npm run train -- .*^options:.*^Model:.*^Data:.*^Machine:/ms);
    for (const { name } of flags) assert.match(stdout, new RegExp(`^ +--${name}\\b`, 'm'));
    assert.match(stdout, /--parity_switch NAME=VALUE \[NAME=VALUE \.\.\.\]\n? +\+ single switches/);
    assert.match(stdout, /--parity NAME +\+ repo: the original's faults too;/);
  });
});
