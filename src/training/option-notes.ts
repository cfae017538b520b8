/** What options do here where that is not what their name says. */
import { effectiveOptions } from './effective';
import type { TrainOptions, TrainRequest } from './options';

/** A remark on an option, where it applies. */
type Remark = (options: TrainOptions, given: TrainRequest) => string | false | undefined;

const adafactor = (options: TrainOptions) => effectiveOptions(options).optimizer === 'Adafactor';
const reads = (flag: string, value: unknown) => `--${flag} ${value}:`;

const remarks: readonly Remark[] = [
  ({ mixedPrecision }, given) =>
    mixedPrecision === 'fp16' &&
    `--mixed_precision fp16${given.mixedPrecision ? '' : ' (the default)'}: ` +
      'computing in bf16 instead, of the same size and with the range of float32.',
  ({ allowTf32 }) =>
    allowTf32 && '--allow_tf32: TF32 is a mode of NVIDIA GPUs; a CPU computes products in float32.',
  (_, { localRank }) =>
    localRank !== undefined &&
    localRank !== -1 &&
    `${reads('local_rank', localRank)} one process trains here, and it is the first; no effect.`,
  (_, { hubModelId }) =>
    hubModelId !== undefined &&
    `${reads('hub_model_id', hubModelId)} nothing is uploaded, as in the original, which never reads it.`,
  (_, { numTrainEpochs }) =>
    numTrainEpochs !== undefined &&
    `${reads('num_train_epochs', numTrainEpochs)} recomputed from --max_train_steps, as in the original.`,
  ({ sft }, { imageColumn }) =>
    imageColumn !== undefined &&
    !sft &&
    `${reads('image_column', imageColumn)} pairs are read from jpg_0 and jpg_1, as in the original.`,
  ({ lossType }, { betaDpo }) =>
    betaDpo !== undefined &&
    lossType === 'sft' &&
    `${reads('beta_dpo', betaDpo)} fine-tuning has no reference to be held to; no effect.`,
  ({ lossType, choiceModel }) =>
    choiceModel !== '' &&
    lossType === 'sft' &&
    `${reads('choice_model', choiceModel)} the original fine-tunes on the labelled winners; no effect.`,
  (options, { adamBeta1, adamBeta2, adamEpsilon }) =>
    adafactor(options) &&
    [adamBeta1, adamBeta2, adamEpsilon].some((x) => x !== undefined) &&
    '--adam_beta1, --adam_beta2, --adam_epsilon: Adafactor has its own; no effect.',
  ({ useAdafactor }, { maxGradNorm }) =>
    useAdafactor &&
    maxGradNorm !== undefined &&
    `${reads('max_grad_norm', maxGradNorm)} --use_adafactor turns clipping by norm off, as in the original.`,
  ({ split }) =>
    split !== 'train' &&
    `${reads('split', split)} the pairs keep their order; the original shuffles train only.`,
  ({ sdxl, trueMicroConditioning }) =>
    trueMicroConditioning &&
    !sdxl &&
    '--true_micro_conditioning: only SDXL is told sizes; no effect without --sdxl.',
  ({ sft, pairedAugmentation }) =>
    pairedAugmentation && sft && '--paired_augmentation: fine-tuning sees no pairs; no effect.',
  ({ lrScheduler }, { lrWarmupSteps }) =>
    lrWarmupSteps !== undefined &&
    (lrScheduler === 'constant' || lrScheduler === 'piecewise_constant') &&
    `${reads('lr_warmup_steps', lrWarmupSteps)} --lr_scheduler ${lrScheduler} has no warm-up; no effect.`,
  ({ lrScheduler, lrWarmupSteps, maxTrainSteps }) =>
    lrScheduler !== 'constant' &&
    lrScheduler !== 'piecewise_constant' &&
    lrWarmupSteps >= maxTrainSteps &&
    `--lr_warmup_steps ${lrWarmupSteps}: the rate never gets to its height in ${maxTrainSteps} steps.`,
];

/** One line for each option that does something else here than its name says, or nothing. */
export const optionNotes = (options: TrainOptions, given: TrainRequest): string[] =>
  remarks.map((remark) => remark(options, given)).filter((line) => typeof line === 'string');
