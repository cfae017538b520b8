import type { CaptionEncoder } from '../data';
import type { ClipTokenizer } from '../models/tokenizer';

/** The same encoder; it says once where a caption has an end that the model does not read. The original cuts it silently. */
export function notingLongCaptions(
  tokenizer: Pick<ClipTokenizer, 'cutOff' | 'encode' | 'modelMaxLength'>,
  note: (sentence: string) => void,
): CaptionEncoder {
  let state: 'looking' | 'told' = 'looking';
  return {
    encode: (texts) => {
      const ends = state === 'looking' ? texts.map((text) => tokenizer.cutOff(text)) : [];
      const end = ends.find((text) => text !== undefined);
      if (end !== undefined) {
        state = 'told';
        const room = tokenizer.modelMaxLength - 2;
        note(`Captions are read to their token ${room}; the first that is longer loses: "${end}".`);
      }
      return tokenizer.encode(texts);
    },
  };
}
