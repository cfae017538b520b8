// n prompts, B pictures, L token positions, E width of the text states, P width of the pooled text
import { concat, gather, scoped, type Tensor, tensor } from '../engine';
import { type ConditioningRule, type PromptStates, STABLE_DIFFUSION } from '../models';
import { encodeTexts, type TextSide } from './text-conditioning';

/** What pictures are told, and how many there are. Names are diffusers'. */
export interface PromptOptions {
  readonly prompt?: string | readonly string[];
  /**
   * What to stay away from, for all prompts or one for each; used where there is guidance.
   * @default '', or zeros where SDXL's folder says `force_zeros_for_empty_prompt`
   */
  readonly negativePrompt?: string | readonly string[];
  /** In place of `prompt`: text states, [n, L, E]. They stay the caller's, as all four do. */
  readonly promptEmbeds?: Tensor;
  /** With them, where the UNet is told of pooled text (SDXL). [n, P] */
  readonly pooledPromptEmbeds?: Tensor;
  /** In place of `negativePrompt`. [n, L, E] */
  readonly negativePromptEmbeds?: Tensor;
  readonly negativePooledPromptEmbeds?: Tensor;
  /** Layers of the text encoder that are left out at its end, for prompts, not for negative ones. @default 0 */
  readonly clipSkip?: number;
  /** Pictures for each prompt. @default 1 */
  readonly numImages?: number;
}

/** Texts, or what an encoder made of them; one for each picture. */
type Told =
  | { readonly texts: readonly (string | undefined)[] }
  | { readonly states: PromptStates; readonly rows: readonly number[] };

/** Checked prompts of B pictures. */
export interface PlannedPrompts {
  readonly count: number;
  readonly positive: Told;
  readonly negative: Told;
  readonly clipSkip: number;
}

/** Checks the options. @throws RangeError naming the option, its value and what is allowed */
export function plannedPrompts(
  { conditioning = STABLE_DIFFUSION }: TextSide,
  options: PromptOptions,
): PlannedPrompts {
  const { numImages = 1, clipSkip = 0 } = options;
  if (!Number.isInteger(numImages) || numImages < 1)
    throw new RangeError(`numImages is ${numImages}; it must be a positive integer.`);
  if (!Number.isInteger(clipSkip) || clipSkip < 0)
    throw new RangeError(`clipSkip is ${clipSkip}; it must be an integer, 0 or more.`);

  const each = <T>(values: readonly T[]): T[] =>
    values.flatMap((value) => new Array<T>(numImages).fill(value));
  const stated = (states: PromptStates): Told => ({
    states,
    rows: each(Array.from({ length: states.encoderHiddenStates.shape[0] ?? 0 }, (_, i) => i)),
  });
  const given = givenStates(options, conditioning);
  const n = given.positive?.encoderHiddenStates.shape[0] ?? [options.prompt ?? []].flat().length;
  if (n === 0)
    throw new RangeError('prompt is an empty list; give one text or more, or promptEmbeds.');
  return {
    count: n * numImages,
    positive: given.positive
      ? stated(given.positive)
      : { texts: each([options.prompt ?? []].flat()) },
    negative: given.negative
      ? stated(given.negative)
      : { texts: each(negatives(options, conditioning, n)) },
    clipSkip,
  };
}

function negatives(
  { negativePrompt }: PromptOptions,
  { noPrompt }: ConditioningRule,
  n: number,
): readonly (string | undefined)[] {
  if (typeof negativePrompt !== 'object') {
    const text = negativePrompt ?? (noPrompt === 'zeros' ? undefined : '');
    return new Array<string | undefined>(n).fill(text);
  }
  if (negativePrompt.length === n) return negativePrompt;
  throw new RangeError(
    `negativePrompt has ${negativePrompt.length} texts; give one, or ${n} as for prompt.`,
  );
}

/** Text states that were passed in place of texts. */
function givenStates(options: PromptOptions, rule: ConditioningRule) {
  const both = (name: string, text: unknown, states?: Tensor, pooled?: Tensor) => {
    if (!states) return undefined;
    if (text !== undefined) throw new RangeError(`${name} is given twice: as text and as states.`);
    if (rule.added === 'none') return { encoderHiddenStates: states };
    if (pooled) return { encoderHiddenStates: states, textEmbeds: pooled };
    throw new RangeError(`${name}: this model is told of pooled text too, and it was not passed.`);
  };
  const { promptEmbeds, negativePromptEmbeds } = options;
  const positive = both('prompt', options.prompt, promptEmbeds, options.pooledPromptEmbeds);
  const negative = both(
    'negativePrompt',
    options.negativePrompt,
    negativePromptEmbeds,
    options.negativePooledPromptEmbeds,
  );
  const [a, b] = [promptEmbeds?.shape, negativePromptEmbeds?.shape];
  if (a && b && a.join() !== b.join())
    throw new RangeError(`promptEmbeds are [${a}], but negativePromptEmbeds are [${b}].`);
  return { positive, negative };
}

/** What the rows of the UNet's batch are told: [B, …], or [2B, …], the negative ones first, where guided. */
export const statesOfPrompts = scoped(
  'statesOfPrompts',
  (
    side: TextSide,
    { positive, negative, clipSkip }: PlannedPrompts,
    rows: 'guided' | 'alone',
  ): PromptStates => {
    if (rows === 'alone') return statesOf(side, positive, clipSkip);
    if ('texts' in positive && 'texts' in negative && clipSkip === 0)
      return encodeTexts(side, [...negative.texts, ...positive.texts]); // in one pass
    const [without, told] = [statesOf(side, negative, 0), statesOf(side, positive, clipSkip)];
    const encoderHiddenStates = concat([without.encoderHiddenStates, told.encoderHiddenStates], 0);
    if (!without.textEmbeds || !told.textEmbeds) return { encoderHiddenStates };
    return { encoderHiddenStates, textEmbeds: concat([without.textEmbeds, told.textEmbeds], 0) };
  },
);

function statesOf(side: TextSide, told: Told, clipSkip: number): PromptStates {
  if ('texts' in told) return encodeTexts(side, told.texts, { clipSkip });
  const index = tensor(told.rows, [told.rows.length], 'int32');
  const repeated = (x: Tensor) => {
    const [n = 0, ...rest] = x.shape;
    return gather(x.reshape([n, -1]), index).reshape([told.rows.length, ...rest]);
  };
  const { encoderHiddenStates, textEmbeds } = told.states;
  const states = { encoderHiddenStates: repeated(encoderHiddenStates) };
  return textEmbeds ? { ...states, textEmbeds: repeated(textEmbeds) } : states;
}
