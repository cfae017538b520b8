// n texts, L token positions, E width of the text states, P width of the pooled text
import { concat, type MixedPrecision, scoped, type Tensor } from '../engine';
import * as nn from '../nn';
import { type ClipText, type ClipTextOutput, clipText } from './clip-text';
import type { TextConditioning } from './unet';
import type { Vae } from './vae';

/** How a kind of pipeline reads its text encoders, and what it tells its UNet beside their states. */
export interface ConditioningRule {
  /** Of each encoder: after the last layer and the final norm, or before the last layer. */
  readonly states: 'last' | 'penultimate';
  /**
   * Numbers that go with the pooled text. `sizes`: the original size, the crop, the target size (SDXL); `sizes and
   * score`: the original size, the crop, how beautiful the picture is to be (its refiner).
   */
  readonly added: 'none' | 'sizes' | 'sizes and score';
  /** What stands for a negative prompt that nobody gave. */
  readonly noPrompt: 'empty text' | 'zeros';
}

/** Stable Diffusion 1.x and 2.x. */
export const STABLE_DIFFUSION: ConditioningRule = {
  states: 'last',
  added: 'none',
  noPrompt: 'empty text',
};

/** The text side of a pipeline. */
export interface TextEncoders {
  /** The first, or the only one; its refiner has but SDXL's second. */
  readonly textEncoder: ClipText;
  /** SDXL's second. */
  readonly textEncoder2?: ClipText;
  /** @default STABLE_DIFFUSION */
  readonly conditioning?: ConditioningRule;
}

/** What the encoders make of texts. */
export interface PromptStates {
  /** The states of all encoders side by side. [n, L, E] */
  readonly encoderHiddenStates: Tensor;
  /** The last encoder's pooled and projected text, where the UNet is told of it. [n, P] */
  readonly textEmbeds?: Tensor;
}

/** How texts are read. */
export interface PromptStatesOptions {
  /** Layers left out at the end of each encoder, beside those that the rule leaves out. @default 0 */
  readonly clipSkip?: number;
}

/**
 * Reads texts. Upstream: diffusers `StableDiffusionXLPipeline.encode_prompt`; train.py `encode_prompt_sdxl`.
 * @param inputIds the same texts as ids of each encoder's tokenizer, int32 [n, L]
 * @throws RangeError where the last encoder has no projection and the UNet is told of one
 */
export const promptStates = scoped(
  'promptStates',
  (
    { textEncoder, textEncoder2, conditioning = STABLE_DIFFUSION }: TextEncoders,
    inputIds: readonly Tensor[],
    { clipSkip = 0 }: PromptStatesOptions = {},
  ): PromptStates => {
    const encoders = textEncoder2 ? [textEncoder, textEncoder2] : [textEncoder];
    const outputs = encoders.map((encoder, i) => clipText(encoder, idsOf(inputIds, i)));
    const { states, added } = conditioning;
    const read = outputs.map((output, i) =>
      states === 'last'
        ? lastStates(encoders[i] ?? textEncoder, output, clipSkip)
        : layer(output, clipSkip + 1),
    );
    const encoderHiddenStates = read.length === 1 ? (read[0] as Tensor) : concat(read, 2);
    if (added === 'none') return { encoderHiddenStates };
    const textEmbeds = outputs.at(-1)?.textEmbeds;
    if (!textEmbeds)
      throw new RangeError(
        'The UNet is to be told a pooled text, but the last text encoder has no projection.',
      );
    return { encoderHiddenStates, textEmbeds };
  },
);

/** The states `back` layers before the end. @throws RangeError where there are not so many */
function layer({ hiddenStates }: ClipTextOutput, back: number): Tensor {
  const states = hiddenStates.at(-1 - back);
  if (states) return states;
  throw new RangeError(
    `clipSkip: ${back} layers before the end of a text encoder of ${hiddenStates.length - 1} there is none.`,
  );
}

/** The states of the last layer that is not left out, after the final norm all the same. */
function lastStates({ config, p }: ClipText, output: ClipTextOutput, clipSkip: number): Tensor {
  if (clipSkip === 0) return output.lastHiddenState;
  const epsilon = config.layerNormEps;
  return nn.layerNorm(p.text_model.final_layer_norm, layer(output, clipSkip), { epsilon });
}

function idsOf(inputIds: readonly Tensor[], encoder: number): Tensor {
  const ids = inputIds[encoder];
  if (ids) return ids;
  throw new RangeError(
    `The pipeline has ${encoder + 1} text encoders or more, but texts were tokenized for ${inputIds.length}.`,
  );
}

/** Sizes in pixels, height first; what SDXL was told of every picture in its training. */
export interface MicroConditioning {
  readonly originalSize: readonly [height: number, width: number];
  readonly cropsCoordsTopLeft: readonly [top: number, left: number];
  readonly targetSize: readonly [height: number, width: number];
  /** The refiner's; between 1 and 10. */
  readonly aestheticScore: number;
}

/** The mark that refiners are asked for where nobody says. Source: diffusers; train.py:1072. */
export const AESTHETIC_SCORE = 6;

/** What the UNet is told of one picture. Source: Podell et al. 2023, section 2.2; diffusers `_get_add_time_ids`. */
export function timeIds(
  { added }: ConditioningRule,
  { originalSize, cropsCoordsTopLeft, targetSize, aestheticScore }: MicroConditioning,
): readonly number[] {
  if (added === 'none') return [];
  const last = added === 'sizes' ? targetSize : [aestheticScore];
  return [...originalSize, ...cropsCoordsTopLeft, ...last];
}

/** All that the UNet is told. @param ids `timeIds` of each row */
export function unetConditioning(
  { encoderHiddenStates, textEmbeds }: PromptStates,
  ids: readonly (readonly number[])[],
): TextConditioning {
  if (!textEmbeds) return { encoderHiddenStates };
  return { encoderHiddenStates, added: { textEmbeds, timeIds: ids } };
}

/**
 * What an autoencoder is computed in: SDXL's overflows in half precision and says so; Stable Diffusion's config says the
 * same, by default, and its pipeline does not listen. Source: diffusers `StableDiffusionXLPipeline`, `needs_upcasting`.
 */
export function vaePrecision(
  { vae, conditioning = STABLE_DIFFUSION }: { vae: Vae; conditioning?: ConditioningRule },
  mixedPrecision: MixedPrecision,
): MixedPrecision {
  const asks = conditioning.added !== 'none' && vae.config.forceUpcast === 'float32';
  return asks ? 'no' : mixedPrecision;
}
