// n texts, L token positions, D width
import { gather, scoped, type Tensor, tensor } from '../engine';
import { type ClipText, clipText } from '../models';

/** The part of a tokenizer that sampling uses. */
export interface TextTokenizer {
  /** Ids of all texts, row after row, each padded or cut to `length`. */
  encode(texts: string[]): { readonly inputIds: Int32Array; readonly length: number };
}

/** What Stable Diffusion 1.x conditions on: the text model's last hidden state of each text. [n, L, D] */
export const encodeTexts = scoped(
  'encodeTexts',
  (textEncoder: ClipText, tokenizer: TextTokenizer, texts: readonly string[]): Tensor => {
    const distinct = [...new Set(texts)];
    const { inputIds, length: L } = tokenizer.encode(distinct);
    const { lastHiddenState } = clipText(textEncoder, tensor(inputIds, [distinct.length, L]));

    const D = lastHiddenState.shape[2] ?? 0;
    const rows = texts.map((text) => distinct.indexOf(text));
    const states = lastHiddenState.reshape([distinct.length, L * D]);
    return gather(states, tensor(rows, [texts.length], 'int32')).reshape([texts.length, L, D]);
  },
);
