import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PreferenceLossName, preferenceLosses } from '../../src/preference';
import { dataOptions } from '../../src/training/data-options';
import { optionNotes } from '../../src/training/option-notes';
import { checkPaths, namedCheckpoint, placeOf } from '../../src/training/option-paths';
import {
  optionOf,
  resolveTrainOptions,
  TRAIN_FLAGS,
  type TrainRequest,
  trainOptionRows,
} from '../../src/training/options';
import { ORIGINAL_FLAGS } from '../../src/training/options-original';
import { OUR_FLAGS } from '../../src/training/options-ours';
import { fixturePath, jsonFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

interface OriginalFlag {
  readonly name: string;
  readonly type: 'str' | 'int' | 'float' | 'switch';
  readonly default: string | number | boolean | null;
  readonly choices: readonly string[] | null;
  readonly required: boolean;
}

const original = jsonFixture<{ readonly flags: readonly OriginalFlag[] }>('training', 'flags.json');
const needed = { pretrainedModelNameOrPath: 'owner/model', datasetName: 'owner/data' } as const;
const resolved = (request: TrainRequest = {}) => resolveTrainOptions({ ...needed, ...request });

describe('TRAIN_FLAGS', () => {
  it("has the original's 51 flags with its types, defaults and choices", () => {
    const kinds = { str: 'text', int: 'integer', float: 'number', switch: 'switch' } as const;
    assert.equal(original.flags.length, 51);
    assert.deepEqual(
      Object.keys(ORIGINAL_FLAGS).sort(),
      original.flags.map(({ name }) => name).sort(),
    );
    for (const { name, type, choices, required, ...flag } of original.flags) {
      const row = trainOptionRows.find((candidate) => candidate.flag === name);
      assert.ok(row, name);
      assert.equal(row.kind, kinds[type], name);
      assert.equal(row.default ?? null, flag.default, name);
      assert.equal(row.need, required ? 'required' : 'optional', name);
      assert.equal(row.origin, 'train.py');
      if (choices) assert.deepEqual(row.choices, choices, name);
    }
  });

  it('adds flags of its own beside them, and says what each is', () => {
    for (const flag of Object.keys(OUR_FLAGS)) assert.ok(!(flag in ORIGINAL_FLAGS), flag);
    const ours = trainOptionRows.filter(({ origin }) => origin === 'ours').map(({ flag }) => flag);
    assert.deepEqual(ours, Object.keys(OUR_FLAGS));
    const options = trainOptionRows.map(({ option }) => option);
    assert.equal(new Set(options).size, options.length);
    for (const { flag, help } of trainOptionRows) assert.match(help, /\w{2,}/, flag);
    assert.equal(optionOf('pretrained_vae_model_name_or_path'), 'pretrainedVaeModelNameOrPath');
    assert.equal(optionOf('accelerate_0_20_2_accumulation'), 'accelerate0202Accumulation');
  });

  it('hands the columns of pictures on to the data', () => {
    const columns = { chosenColumn: 'better', rejectedColumn: 'worse' };
    const { chosenColumn, rejectedColumn } = dataOptions(resolved(columns));
    assert.deepEqual({ chosenColumn, rejectedColumn }, columns);
  });
});

describe('resolveTrainOptions', () => {
  it('fills in the defaults of the table', () => {
    const options: Readonly<Record<string, unknown>> = { ...resolved() };
    for (const row of trainOptionRows) {
      if (row.option in needed || row.option === 'resolution') continue;
      assert.deepEqual(options[row.option], row.default, row.flag);
    }
    assert.equal(Object.keys(options).length, Object.keys(TRAIN_FLAGS).length);
  });

  it('takes 512 pixels, and 1024 with SDXL, unless told', () => {
    assert.equal(resolved().resolution, 512);
    assert.equal(resolved({ sdxl: true }).resolution, 1024);
    assert.equal(resolved({ sdxl: true, resolution: 512 }).resolution, 512);
  });

  it('knows fine-tuning by both its names, and the strength of an adapter by its rank', () => {
    const both = ({ sft, lossType }: TrainRequest) => [sft, lossType];
    assert.deepEqual(both(resolved({ sft: true })), [true, 'sft']);
    assert.deepEqual(both(resolved({ lossType: 'sft' })), [true, 'sft']);
    assert.deepEqual(both(resolved({ lossType: 'ipo' })), [false, 'ipo']);
    assert.equal(resolved({ loraRank: 8 }).loraAlpha, 8);
    assert.equal(resolved({ loraRank: 8, loraAlpha: 4 }).loraAlpha, 4);
  });

  it('gives every loss its own β, unless told', () => {
    for (const [name, { defaults }] of Object.entries(preferenceLosses)) {
      if (!('betaDpo' in defaults)) continue;
      const lossType = name as PreferenceLossName;
      assert.equal(resolved({ lossType }).betaDpo, defaults.betaDpo, name);
      assert.equal(resolved({ lossType, betaDpo: 7 }).betaDpo, 7, name);
    }
    assert.deepEqual(
      Object.keys(preferenceLosses).sort(),
      [...(TRAIN_FLAGS.loss_type.choices ?? [])].sort(),
    );
  });

  it('leaves what it made as it is', () => {
    for (const request of [
      {},
      { sft: true },
      { loraRank: 4 },
      { sdxl: true },
      { lossType: 'kto' },
    ] as const)
      assert.deepEqual(resolveTrainOptions(resolved(request)), resolved(request));
  });

  const refusals: readonly (readonly [request: object, message: RegExp])[] = [
    [{ betaDpo: 0 }, /^--beta_dpo is 0; give a number above 0\.$/],
    [{ learningRate: Number.NaN }, /^--learning_rate is NaN; give a number, 0 or more\.$/],
    [{ trainBatchSize: '2' }, /^--train_batch_size is "2"; give an integer, 1 or more\.$/],
    [{ sdxl: 'yes' }, /^--sdxl is "yes"; give true or false\.$/],
    [{ validationPrompts: 'a' }, /^--validation_prompts is "a"; give a list of texts\.$/],
    [{ adamBeta2: 1 }, /^--adam_beta2 is 1; give a number from 0 to below 1\.$/],
    [{ seed: 2 ** 32 }, /^--seed is 4294967296; give an integer from 0 to 4294967295\.$/],
    [{ resolution: 100 }, /^--resolution is 100; give a multiple of 8, 8 or more\.$/],
    [{ beta_dpo: 1 }, /^"beta_dpo" is no training option\.$/],
    [{ pretrainedModelNameOrPath: undefined }, /^--pretrained_model_name_or_path is needed/],
    [{ datasetName: undefined }, /^Training needs data: give --dataset_name or --train_data_dir/],
    [{ lrNumCycles: 2 }, /^--lr_num_cycles is 2, but --lr_scheduler cosine_with_restarts is not g/],
    [{ lrPower: 2 }, /^--lr_power is 2, but --lr_scheduler polynomial is not given\.$/],
    [{ paritySwitch: 'tieFilter' }, /^--parity_switch is "tieFilter"; give texts by name\.$/],
    [
      { paritySwitch: { ties: 'no' } },
      /^--parity_switch names "ties"; give one of perturb.*Order\.$/,
    ],
    [{ paritySwitch: { tieFilter: 'no' } }, /tieFilter is no; give names with "pickapic" or alway/],
    [{ paritySwitch: { toString: 'a' } }, /^--parity_switch names "toString"; give one of/],
    [
      { trueMicroConditioning: true, paritySwitch: { sdxlTimeIds: 'resolution' } },
      /^--true_micro_conditioning and --parity_switch sdxlTimeIds=resolution contradict each other/,
    ],
    [
      { accelerate0202Accumulation: true, paritySwitch: { accelerate0202Accumulation: 'off' } },
      /^--accelerate_0_20_2_accumulation and --parity_switch acc.*=off contradict each other; give/,
    ],
    [{ lrScheduler: 'polynomial' }, /falls to 1e-7; give a --learning_rate above it, got 1e-8\.$/],
  ];
  for (const [request, message] of refusals)
    it(`refuses ${Object.keys(request)}, saying ${message.source}`, () =>
      assert.throws(() => resolveTrainOptions({ ...needed, ...request }), {
        name: 'RangeError',
        message,
      }));
});

describe('optionNotes', () => {
  const notes = (request: TrainRequest) =>
    optionNotes(resolved(request), request).filter((line) => !line.includes('(the default)'));

  it('says nothing where every flag does what it says', () =>
    assert.deepEqual(notes({ maxTrainSteps: 1000, mixedPrecision: 'no' }), []));

  it('says that fp16 is computed in bf16, asked for or not', () => {
    const [line = '', ...more] = optionNotes(resolved(), {});
    assert.match(line, /^--mixed_precision fp16 \(the default\): computing in bf16 instead/);
    assert.deepEqual(more, []);
    assert.match(notes({ mixedPrecision: 'fp16' })[0] ?? '', /^--mixed_precision fp16: computing/);
    assert.deepEqual(notes({ mixedPrecision: 'bf16' }), []);
  });

  const remarks: readonly (readonly [request: TrainRequest, message: RegExp])[] = [
    [{ allowTf32: true }, /^--allow_tf32: /],
    [{ localRank: 3 }, /^--local_rank 3: one process/],
    [{ hubModelId: 'me/mine' }, /^--hub_model_id me\/mine: nothing is uploaded/],
    [{ numTrainEpochs: 3 }, /^--num_train_epochs 3: recomputed from --max_train_steps/],
    [{ imageColumn: 'image' }, /^--image_column image: pairs are read from jpg_0 and jpg_1/],
    [{ sft: true, betaDpo: 1 }, /^--beta_dpo 1: /],
    [{ sft: true, choiceModel: 'aes' }, /^--choice_model aes: /],
    [{ sdxl: true, adamBeta1: 0.8 }, /^--adam_beta1, .*: Adafactor has its own/],
    [{ useAdafactor: true, maxGradNorm: 1 }, /^--max_grad_norm 1: --use_adafactor turns/],
    [{ split: 'test' }, /^--split test: the pairs keep their order/],
    [{ trueMicroConditioning: true }, /^--true_micro_conditioning: only SDXL/],
    [{ sft: true, pairedAugmentation: true }, /^--paired_augmentation: /],
    [{ lrScheduler: 'constant', lrWarmupSteps: 9 }, /^--lr_warmup_steps 9: .* has no warm-up/],
    [{ maxTrainSteps: 500 }, /^--lr_warmup_steps 500: the rate never gets to its height in 500/],
  ];
  for (const [request, message] of remarks)
    it(`has one line for ${JSON.stringify(request)}`, () => {
      const [line = '', ...more] = notes({ maxTrainSteps: 1000, ...request });
      assert.match(line, message);
      assert.deepEqual(more, []);
    });
});

describe('checkPaths', () => {
  const model = fixturePath('pipelines', 'tiny-sd');

  it('takes names of the hub, folders, and folders that are still to be made', () => {
    checkPaths(resolved({ outputDir: '/no/such/folder', cacheDir: '/no/such/cache' }));
    checkPaths(
      resolved({ pretrainedModelNameOrPath: model, unetInit: model, choiceModel: 'pickscore' }),
    );
    for (const choiceModel of ['embedded', 'hps-v2.1', 'someone/clip', join(model, 'unet')])
      checkPaths(resolved({ choiceModel }));
    checkPaths(resolved({ pretrainedVaeModelNameOrPath: join(model, 'vae') }));
    assert.deepEqual(placeOf('dataset_name', 'data/pairs'), { kind: 'local', path: 'data/pairs' });
    const hub = { kind: 'hub', name: 'yuvalkirstain/pickapic_v2' };
    assert.deepEqual(placeOf('dataset_name', 'yuvalkirstain/pickapic_v2'), hub);
  });

  const wrong: readonly (readonly [request: TrainRequest, message: RegExp])[] = [
    [{ pretrainedModelNameOrPath: '/no/model' }, /^--pretrained_model_name_or_path is "\/no\/mo/],
    [{ pretrainedModelNameOrPath: join(model, 'vae') }, /it has no unet\/config\.json\.$/],
    [{ pretrainedVaeModelNameOrPath: model }, /^--pretrained_vae.*: it has no config\.json\.$/],
    [{ unetInit: './none' }, /^--unet_init is "\.\/none": no such folder or file is there/],
    [{ datasetName: 'a/b/c' }, /^--dataset_name is "a\/b\/c": no such folder or file/],
    [{ datasetName: undefined, trainDataDir: 'none' }, /^--train_data_dir is "none"; give a fold/],
    [{ outputDir: __filename }, /^--output_dir is ".*"; give a folder, which need not exist/],
    [{ outputDir: '' }, /^--output_dir is ""; give a folder/],
    [{ cacheDir: __filename }, /^--cache_dir is /],
    [
      { choiceModel: 'best' },
      /^--choice_model is "best"; give embedded, pickscore, hps, hps-v2\.1, clip, aes, imagereward, a path/,
    ],
    [{ resumeFromCheckpoint: 'checkpoint-7' }, /^--resume_from_checkpoint is "checkpoint-7": no/],
  ];
  for (const [request, message] of wrong)
    it(`refuses ${Object.keys(request)}, saying ${message.source}`, () =>
      assert.throws(() => checkPaths(resolved(request)), { name: 'RangeError', message }));

  it('finds a checkpoint by its whole path, by its name, and with a slash at the end', () =>
    inTemporaryFolder(async (folder) => {
      mkdirSync(join(folder, 'checkpoint-10'));
      writeFileSync(join(folder, 'checkpoint-11'), '');
      const at = (resumeFromCheckpoint: string) =>
        resolved({ resumeFromCheckpoint, outputDir: folder });
      for (const name of ['checkpoint-10', 'checkpoint-10/', join(folder, 'checkpoint-10/')]) {
        checkPaths(at(name));
        assert.equal(join(namedCheckpoint(at(name)), 'x'), join(folder, 'checkpoint-10', 'x'));
      }
      for (const none of ['', 'latest']) checkPaths(at(none));
      mkdirSync(join(folder, 'other', 'checkpoint-9'), { recursive: true });
      const other = join(folder, 'other', 'checkpoint-9');
      assert.equal(namedCheckpoint(at(other)), other);
      const asOriginal = { ...at(other), paritySwitch: { resumeCheck: 'none' } } as const;
      assert.equal(namedCheckpoint(asOriginal), join(folder, 'checkpoint-9'));
      assert.throws(
        () => checkPaths(asOriginal),
        /has no folder of its last part \(resumeCheck no/,
      );
      assert.throws(() => checkPaths(at('checkpoint-11')), /no such folder is there/);
    }));
});
