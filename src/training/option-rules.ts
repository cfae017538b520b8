/** What training options mean together. */
import { effectiveOptions } from './effective';
import { POLYNOMIAL_END } from './lr-schedule';
import type { TrainOptions, TrainRequest } from './options';
import { OUR_FLAGS } from './options-ours';
import { SWITCH_FLAGS } from './parity';

/** A combination that cannot be meant, and the sentence that says so. */
type Rule = (options: TrainOptions, given: TrainRequest) => string | undefined;

/** An option that says how, where the one that says that is missing. Its default may be spelt out. */
const idle =
  (
    flag: keyof typeof OUR_FLAGS,
    option: keyof TrainRequest,
    needs: string,
    isThere: (options: TrainOptions) => boolean,
  ): Rule =>
  (options) => {
    const [value, usual] = [options[option], OUR_FLAGS[flag].default].map((x) => JSON.stringify(x));
    if (value === usual || isThere(options)) return undefined;
    return `--${flag} is ${value}, but ${needs} is not given.`;
  };

/** A flag and the switch that it stands for, told otherwise. */
const against =
  (flag: keyof typeof SWITCH_FLAGS, option: keyof TrainRequest): Rule =>
  (options) => {
    if (options[option] !== true) return undefined;
    const [[name, value] = ['', '']] = Object.entries(SWITCH_FLAGS[flag]);
    const said = new Map<string, string>(Object.entries(options.paritySwitch ?? {})).get(name);
    return said === undefined || said === value
      ? undefined
      : `--${flag} and --parity_switch ${name}=${said} contradict each other; give one of them.`;
  };

const isLora = ({ loraRank }: TrainOptions) => loraRank !== undefined;
const follows =
  (name: TrainOptions['lrScheduler']) =>
  ({ lrScheduler }: TrainOptions) =>
    lrScheduler === name;
const draws = ({ validationPrompts }: TrainOptions) => validationPrompts.length > 0;

const rules: readonly Rule[] = [
  ({ datasetName, trainDataDir }) =>
    datasetName === undefined && trainDataDir === undefined
      ? 'Training needs data: give --dataset_name or --train_data_dir.'
      : undefined,
  ({ sft }, { lossType }) =>
    sft && lossType !== undefined && lossType !== 'sft'
      ? `--sft and --loss_type ${lossType} contradict each other; give one of them.`
      : undefined,
  against('accelerate_0_20_2_accumulation', 'accelerate0202Accumulation'),
  against('true_micro_conditioning', 'trueMicroConditioning'),
  idle('lora_alpha', 'loraAlpha', '--lora_rank', isLora),
  idle('lora_target_modules', 'loraTargetModules', '--lora_rank', isLora),
  idle('ema_decay', 'emaDecay', '--use_ema', (options) => options.useEma),
  idle('validation_steps', 'validationSteps', '--validation_prompts', draws),
  idle(
    'lr_num_cycles',
    'lrNumCycles',
    '--lr_scheduler cosine_with_restarts',
    follows('cosine_with_restarts'),
  ),
  idle('lr_power', 'lrPower', '--lr_scheduler polynomial', follows('polynomial')),
  idle(
    'lr_step_rules',
    'lrStepRules',
    '--lr_scheduler piecewise_constant',
    follows('piecewise_constant'),
  ),
  (options) =>
    options.lrScheduler === 'polynomial' && effectiveOptions(options).learningRate <= POLYNOMIAL_END
      ? `--lr_scheduler polynomial falls to ${POLYNOMIAL_END}; give a --learning_rate above it, ` +
        `got ${effectiveOptions(options).learningRate}.`
      : undefined,
  ({ lrScheduler, lrStepRules }) =>
    lrScheduler === 'piecewise_constant' && !/^([\d.e-]+:\d+,)+[\d.e-]+$/.test(lrStepRules ?? '')
      ? `--lr_scheduler is piecewise_constant and --lr_step_rules ${lrStepRules ?? 'is not given'}; ` +
        'give factors and steps such as 1:10,0.1:20,0.01.'
      : undefined,
  ({ maxTrainSamples = Infinity, trainBatchSize }) =>
    maxTrainSamples < trainBatchSize
      ? `--max_train_samples is ${maxTrainSamples}: too few to fill a batch of --train_batch_size ${trainBatchSize}.`
      : undefined,
  ({ choiceModel, trainBatchSize, parity }) =>
    choiceModel !== '' && parity === 'repo' && trainBatchSize !== 1
      ? `--choice_model ${choiceModel} with --parity repo takes --train_batch_size 1 only, as the original; got ${trainBatchSize}.`
      : undefined,
];

/** @throws RangeError for options that cannot be meant together */
export function checkCombinations(options: TrainOptions, given: TrainRequest): void {
  for (const rule of rules) {
    const message = rule(options, given);
    if (message !== undefined) throw new RangeError(message);
  }
}
