/**
 * Options of a training run: one table of flags, and the typed object made of it. The command line, notebooks and
 * checkpoints all read this table.
 */
import { checkCombinations } from './option-rules';
import { allowedValues, isAllowed, type OptionSpec, type ValueOf } from './option-spec';
import { ORIGINAL_FLAGS } from './options-original';
import { OUR_FLAGS } from './options-ours';
import { paritySwitches } from './parity';

/** Every training flag by its name on the command line. */
export const TRAIN_FLAGS = { ...ORIGINAL_FLAGS, ...OUR_FLAGS } as const;

/** `beta_dpo`, …: what stands after the two dashes. */
export type TrainFlag = keyof typeof TRAIN_FLAGS;

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** `betaDpo`, …: a flag's name in TypeScript. */
export type TrainOption = Camel<TrainFlag>;

type Given = { readonly [F in TrainFlag as Camel<F>]: ValueOf<(typeof TRAIN_FLAGS)[F]> };

/** Everything that decides about a run, complete and checked; names are the flags' in camelCase. */
export interface TrainOptions extends Omit<Given, 'resolution'> {
  /** Side of the training pictures in pixels. */
  readonly resolution: number;
}

/** What a caller says; the rest has defaults. */
export type TrainRequest = { readonly [K in keyof Given]?: Given[K] | undefined };

/** What stands in a run's `config.json` beside its options, and may be given back with them: which commits they led to. */
export const HUB_COMMITS = 'hubCommits';

/** `beta_dpo` → `betaDpo`. */
export const optionOf = (flag: TrainFlag) =>
  flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as TrainOption;

/** β of losses on another scale than DPO's, where nobody says. Sources: preference/kto.ts, preference/dspo.ts. */
export const OWN_BETA: Readonly<Record<string, number>> = { kto: 1000, dspo: 0.001 };

/** The rows of the table with both names of each. */
export const trainOptionRows = (Object.keys(TRAIN_FLAGS) as TrainFlag[]).map((flag) => {
  const spec: OptionSpec & { readonly group: string } = TRAIN_FLAGS[flag];
  const origin = flag in ORIGINAL_FLAGS ? ('train.py' as const) : ('ours' as const);
  return { flag, option: optionOf(flag), origin, ...spec };
});

/**
 * Fills in what was not said, and checks every value and what they mean together. Nothing is read from disk.
 * @throws RangeError naming the flag, its value and what is allowed
 */
export function resolveTrainOptions(request: TrainRequest): TrainOptions {
  const given = request as Readonly<Record<string, unknown>>;
  const known = new Set<string>([...trainOptionRows.map(({ option }) => option), HUB_COMMITS]);
  for (const name of Object.keys(given))
    if (!known.has(name)) throw new RangeError(`"${name}" is no training option.`);

  const values: Record<string, unknown> = {};
  for (const { flag, option, ...spec } of trainOptionRows) {
    const value = given[option] ?? spec.default;
    if (value !== undefined) checkValue(flag, value, spec);
    else if (spec.need === 'required') throw new RangeError(`--${flag} is needed: ${spec.help}.`);
    values[option] = value;
  }
  const options = values as unknown as TrainOptions;
  for (const name of options.ignoreConfigDifference)
    if (!(name in TRAIN_FLAGS))
      throw new RangeError(`--ignore_config_difference is "${name}"; give names of flags.`);
  paritySwitches(options.parity, options.paritySwitch);
  checkCombinations(options, request);
  return {
    ...options,
    resolution: options.resolution ?? (options.sdxl ? 1024 : 512),
    betaDpo: request.betaDpo ?? OWN_BETA[options.lossType] ?? options.betaDpo,
    lossType: options.sft ? 'sft' : options.lossType,
    sft: options.lossType === 'sft' || options.sft,
    loraAlpha: options.loraAlpha ?? options.loraRank,
  };
}

function checkValue(flag: TrainFlag, value: unknown, spec: OptionSpec): void {
  if (isAllowed(spec, value)) return;
  const shown = typeof value === 'number' ? value : JSON.stringify(value);
  throw new RangeError(`--${flag} is ${shown}; give ${allowedValues(spec)}.`);
}
