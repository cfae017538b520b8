/**
 * The parity ledger: everything in which the original's training differs from what its paper says or from what one
 * would want, each as a switch with a name.
 *
 * `repo` is train.py of SalesforceAIResearch/DiffusionDPO at 5233e75 with its pinned libraries, `paper` is Wallace et
 * al. 2023, `fixed` has the faults of neither. Not switches: what is a flag already (`--paired_augmentation`,
 * `--timesteps`, `--true_micro_conditioning`); what only ended the original with an error or wasted time (a data folder
 * without a name, the reference that `--sft` loads, xformers); what makes no difference on one process (the factors on
 * warm-up and steps, gathered means).
 */
import type { MixedPrecision } from '../engine';
import type { LossOptions } from '../preference';
import type { NoisingOptions } from './noise-draws';
import type { TrainOptions } from './options';

/** Whose behaviour a run has. */
export type Parity = 'repo' | 'paper' | 'fixed';

/** One row of the ledger. */
export interface ParitySwitch<V extends string = string> {
  readonly values: readonly V[];
  readonly repo: V;
  readonly paper: V;
  readonly fixed: V;
  /** What it changes, in a sentence. */
  readonly describe: string;
  /** Where the original does it. */
  readonly source: string;
  /** The file here that reads it. */
  readonly actsIn: string;
}

/** The switches that change what is computed, and the order of random draws. */
const numerics = {
  perturbationOrder: {
    values: ['before pairing', 'after pairing'],
    ...{ repo: 'before pairing', paper: 'after pairing', fixed: 'after pairing' },
    describe:
      "--input_perturbation is added to each picture's own noise before a pair's noise is made the same, so that losers are noised with ε_l and scored against ε_w.",
    source: 'train.py:1039–1061',
    actsIn: 'src/training/noise-draws.ts',
  },
  turboLastTimestep: {
    values: ['kept', 'skipped'],
    ...{ repo: 'kept', paper: 'kept', fixed: 'skipped' },
    describe:
      'Turbo trains at t = 999 as well, where winner and loser are the same noise: the loss is ln 2 and the gradient 0 for a quarter of all pairs.',
    source: 'train.py:1049–1051',
    actsIn: 'src/training/noise-draws.ts',
  },
  implicitAccTies: {
    values: ['strict', 'half'],
    ...{ repo: 'strict', paper: 'strict', fixed: 'half' },
    describe:
      'A pair that policy and reference rank by exactly as much counts as a miss, so that implicit accuracy starts at 0; as half a hit it starts at ½.',
    source: 'train.py:1144',
    actsIn: 'src/preference/implicit-reward.ts',
  },
  referenceErrors: {
    values: ['half in mixed precision', 'float32'],
    ...{ repo: 'half in mixed precision', paper: 'float32', fixed: 'float32' },
    describe:
      "In mixed precision the reference's errors are half precision and the policy's float32, so that the loss does not start at ln 2 though the weights are equal.",
    source: 'train.py:1125–1137; accelerate `convert_outputs_to_fp32`',
    actsIn: 'src/preference/implicit-reward.ts',
  },
  adafactorClipping: {
    values: ['unless --use_adafactor', 'never'],
    ...{
      repo: 'unless --use_adafactor',
      paper: 'unless --use_adafactor',
      fixed: 'unless --use_adafactor',
    },
    describe:
      'The guard of gradient clipping looks at the flag alone: --sdxl, which brings Adafactor too, still clips to --max_grad_norm; never: Adafactor goes without, whatever brings it.',
    source: 'train.py:667, 1163',
    actsIn: 'src/training/effective.ts',
  },
  textEncoderDraws: {
    values: ['drawn', 'left out'],
    ...{ repo: 'drawn', paper: 'left out', fixed: 'left out' },
    describe:
      "The text encoder's constructors fill its weights at random before the file's are read, and every later draw comes after theirs.",
    source: 'transformers 4.30.2 `CLIPTextModel`',
    actsIn: 'src/training/text-encoder-draws.ts',
  },
  sdxlTimeIds: {
    values: ['resolution', 'real sizes'],
    ...{ repo: 'resolution', paper: 'resolution', fixed: 'resolution' },
    describe:
      'SDXL is told that every picture has the training resolution and is not cropped; --true_micro_conditioning tells it the truth.',
    source: 'train.py:1066–1086',
    actsIn: 'src/training/noising.ts',
  },
} as const satisfies Record<string, ParitySwitch>;

/** The switches of when steps are taken, of the data, of what is logged and of going on. */
const course = {
  epochEnd: {
    values: ['step', 'carry on'],
    ...{ repo: 'step', paper: 'carry on', fixed: 'carry on' },
    describe:
      'The last micro-batch of an epoch forces a step with what was collected, the loss still divided by all of --gradient_accumulation_steps.',
    source: 'accelerate `Accelerator._do_sync`',
    actsIn: 'src/training/loop.ts',
  },
  accelerate0202Accumulation: {
    values: ['on', 'off'],
    ...{ repo: 'off', paper: 'off', fixed: 'off' },
    describe:
      'accelerate 0.20.2, the pinned version, takes a step after every micro-batch from the second epoch on; 0.20.3 mends it.',
    source: 'accelerate 0.20.2 `GradientState.end_of_dataloader`',
    actsIn: 'src/training/loop.ts',
  },
  overrunEpochs: {
    values: ['a micro-batch each', 'none'],
    ...{ repo: 'a micro-batch each', paper: 'none', fixed: 'none' },
    describe:
      'At --max_train_steps only the inner loop ends: every epoch that is left trains one more micro-batch. There are such epochs only under accelerate0202Accumulation or after a resume.',
    source: 'train.py:1193',
    actsIn: 'src/training/loop.ts',
  },
  tieFilter: {
    values: ['names with "pickapic"', 'always'],
    ...{ repo: 'names with "pickapic"', paper: 'always', fixed: 'always' },
    describe:
      'Undecided pairs are left out only where --dataset_name contains "pickapic"; under another name a label of ½ lets jpg_0 win. --train_data_dir alone, which ended the original with an error, leaves them out in every set. With it goes the order of an image folder: by path in the original, else as its metadata has it.',
    source: 'train.py:715, 830, 856',
    actsIn: 'src/data/training-data.ts',
  },
  captionColumn: {
    values: ['always "caption" for SDXL', 'as told'],
    ...{ repo: 'always "caption" for SDXL', paper: 'as told', fixed: 'as told' },
    describe: 'SDXL reads its prompts from "caption" whatever --caption_column says.',
    source: 'train.py:798, 1090',
    actsIn: 'src/training/data-options.ts',
  },
  captionText: {
    values: ['mended by ftfy', 'as it is'],
    ...{ repo: 'mended by ftfy', paper: 'mended by ftfy', fixed: 'as it is' },
    describe:
      "The tokenizer of the original's time made curly quotes straight and full-width letters plain where ftfy was installed; that of transformers 5 reads captions as they are.",
    source: 'transformers 4.30.2 `CLIPTokenizer`; requirements.txt',
    actsIn: 'src/models/fix-text.ts',
  },
  mseLogging: {
    values: ['last micro-batch', 'both'],
    ...{ repo: 'last micro-batch', paper: 'both', fixed: 'both' },
    describe:
      "model_mse and ref_mse are those of a step's last micro-batch; the means of all its micro-batches are logged beside them.",
    source: 'train.py:1128–1178',
    actsIn: 'src/training/loop.ts',
  },
  loggedLr: {
    values: ['of the next step', 'of this step'],
    ...{ repo: 'of the next step', paper: 'of this step', fixed: 'of this step' },
    describe: 'The rate is written down after the schedule has moved on to the next step.',
    source: 'train.py:1188',
    actsIn: 'src/training/metrics.ts',
  },
  savedEncoders: {
    values: ['half in mixed precision', 'as they were read'],
    ...{
      repo: 'half in mixed precision',
      paper: 'as they were read',
      fixed: 'as they were read',
    },
    describe:
      'The pipeline that a run ends with holds autoencoder and text encoder in the type they were computed in, beside a float32 UNet.',
    source: 'train.py:1200–1222',
    actsIn: 'src/training/run-book.ts',
  },
  resumeCheck: {
    values: ['none', 'configuration'],
    ...{ repo: 'configuration', paper: 'configuration', fixed: 'configuration' },
    describe:
      'The original goes on from whatever checkpoint lies in --output_dir, and of a path takes the last part only; in every set its options are compared and paths are paths.',
    source: 'train.py:971–989',
    actsIn: 'src/training/run-setup.ts',
  },
  resumePosition: {
    values: ['new permutation', 'exact'],
    ...{ repo: 'exact', paper: 'exact', fixed: 'exact' },
    describe:
      'A resumed run of the original draws a new order of the rows, leaves out as many micro-batches of it as whole steps would have had, and trains one more where it was finished; in every set it goes on where it was.',
    source: 'train.py:985–1008, 1193; accelerate `load_state`',
    actsIn: 'src/training/run-setup.ts',
  },
  dataOrder: {
    values: ['fixed seed', 'from --seed'],
    ...{ repo: 'from --seed', paper: 'from --seed', fixed: 'from --seed' },
    describe:
      'On several processes the original shuffles by a generator of its own, whatever --seed says; on one, as here, from the seed, in every set.',
    source: 'accelerate `prepare_data_loader`',
    actsIn: 'src/data/epoch.ts',
  },
} as const satisfies Record<string, ParitySwitch>;

export const parityLedger = { ...numerics, ...course };

type Ledger = typeof parityLedger;

/** A value for every switch. */
export type ParitySwitches = {
  readonly [Name in keyof Ledger]: Ledger[Name]['values'][number];
};

/**
 * The values that a set gives to all switches, single ones on top.
 * @throws RangeError for a name or value that is not in the ledger, naming those that are
 */
export function paritySwitches(
  parity: Parity,
  overrides: Partial<ParitySwitches> = {},
): ParitySwitches {
  for (const [name, value] of Object.entries(overrides)) checkSwitch(name, value);
  const values = Object.entries(parityLedger).map(([name, row]) => [name, row[parity]]);
  return { ...(Object.fromEntries(values) as ParitySwitches), ...overrides };
}

function checkSwitch(name: string, value: string): void {
  const ledger: Readonly<Record<string, ParitySwitch>> = parityLedger;
  const row = Object.hasOwn(ledger, name) ? ledger[name] : undefined;
  if (!row) {
    const names = Object.keys(ledger).join(', ');
    throw new RangeError(`--parity_switch names "${name}"; give one of ${names}.`);
  }
  if (!row.values.includes(value))
    throw new RangeError(`--parity_switch ${name} is ${value}; give ${row.values.join(' or ')}.`);
}

/** Switches that have a flag of their own, and the value it stands for. */
export const SWITCH_FLAGS = {
  accelerate_0_20_2_accumulation: { accelerate0202Accumulation: 'on' },
  true_micro_conditioning: { sdxlTimeIds: 'real sizes' },
} as const satisfies Record<string, Partial<ParitySwitches>>;

/** The switches of a run: its set, those with flags of their own, and single ones. */
export function switchesOf(
  options: Pick<
    TrainOptions,
    'parity' | 'paritySwitch' | 'accelerate0202Accumulation' | 'trueMicroConditioning'
  >,
): ParitySwitches {
  const { parity, paritySwitch, accelerate0202Accumulation, trueMicroConditioning } = options;
  return paritySwitches(parity, {
    ...(accelerate0202Accumulation ? SWITCH_FLAGS.accelerate_0_20_2_accumulation : {}),
    ...(trueMicroConditioning ? SWITCH_FLAGS.true_micro_conditioning : {}),
    ...paritySwitch,
  });
}

/** The switches that noising reads. */
export const noisingSwitches = ({
  perturbationOrder,
  turboLastTimestep,
}: ParitySwitches): NoisingOptions => ({ perturbationOrder, turboLastTimestep });

/** The switches that losses read. Half precision is bfloat16 here. */
export const lossSwitches = (
  { implicitAccTies, referenceErrors }: ParitySwitches,
  mixedPrecision: MixedPrecision,
): LossOptions => ({
  implicitAccTies,
  referenceErrors:
    referenceErrors === 'float32' || mixedPrecision === 'no' ? 'float32' : 'bfloat16',
});
