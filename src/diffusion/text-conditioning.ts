// n texts, L token positions, E width of the text states, P width of the pooled text
import { gather, scoped, type Tensor, tensor } from '../engine';
import {
  type PromptStates,
  type PromptStatesOptions,
  promptStates,
  type TextEncoders,
} from '../models';

/** The part of a tokenizer that sampling uses. */
export interface TextTokenizer {
  /** Ids of all texts, row after row, each padded or cut to `length`. */
  encode(texts: string[]): { readonly inputIds: Int32Array; readonly length: number };
}

/** Text encoders, and what makes their ids. */
export interface TextSide extends TextEncoders {
  readonly tokenizer: TextTokenizer;
  /** SDXL's second. */
  readonly tokenizer2?: TextTokenizer;
}

/**
 * What a pipeline conditions on, of each text; no text: zeros, as SDXL has them for a negative prompt that nobody gave.
 * Each different text is read once.
 */
export const encodeTexts = scoped(
  'encodeTexts',
  (
    side: TextSide,
    texts: readonly (string | undefined)[],
    options: PromptStatesOptions = {},
  ): PromptStates => {
    const given = texts.flatMap((text) => text ?? []);
    const distinct = given.length > 0 ? [...new Set(given)] : [''];
    const tokenizers = side.tokenizer2 ? [side.tokenizer, side.tokenizer2] : [side.tokenizer];
    const ids = tokenizers.map((tokenizer) => {
      const { inputIds, length: L } = tokenizer.encode(distinct);
      return tensor(inputIds, [distinct.length, L]);
    });
    const { encoderHiddenStates, textEmbeds } = promptStates(side, ids, options);

    const rows = texts.map((text) => (text === undefined ? 0 : distinct.indexOf(text)));
    const index = tensor(rows, [texts.length], 'int32');
    const isGiven = texts.map((text) => (text === undefined ? 0 : 1));
    const rowsOf = (read: Tensor): Tensor => {
      const [n = 0, ...rest] = read.shape;
      const found = gather(read.reshape([n, -1]), index); // [texts, …]
      const kept =
        given.length === texts.length ? found : found.mul(tensor(isGiven, [texts.length, 1]));
      return kept.reshape([texts.length, ...rest]);
    };
    const states = { encoderHiddenStates: rowsOf(encoderHiddenStates) };
    return textEmbeds ? { ...states, textEmbeds: rowsOf(textEmbeds) } : states;
  },
);
