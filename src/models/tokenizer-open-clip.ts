import { fixText } from './fix-text';
import { unescapeHtml } from './html-entities';
import type { ClipTokenizer, EncodedTexts } from './tokenizer';
import { BytePairEncoder } from './tokenizer-bpe';
import { SPACES } from './tokenizer-text';

const START = '<start_of_text>';
const END = '<end_of_text>';

/** Its pattern takes no notice of case, and the long s is one. */
const WORD =
  /<start_of_text>|<end_of_text>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^ \p{L}\p{N}]+/gu;

/**
 * OpenCLIP's `SimpleTokenizer` with the vocabulary of a CLIP folder. Unlike transformers' it repairs texts (see
 * {@link fixText}), reads HTML's entities twice, pads with 0, and has its own spelling of start and end.
 * Source: open_clip 3.3, src/open_clip/tokenizer.py.
 */
export class OpenClipTokenizer {
  private readonly encoder: BytePairEncoder;

  /** @throws RangeError where a symbol of a merge rule is not in the vocabulary */
  constructor(
    private readonly clip: ClipTokenizer,
    private readonly contextLength: number,
  ) {
    const { vocab, merges } = clip.definition;
    this.encoder = new BytePairEncoder(vocab, merges, clip.eosId);
  }

  /** Ids of each text, `[start, …, end, 0, …]`, cut and padded to the context's length. */
  encode(texts: readonly string[]): EncodedTexts {
    const length = this.contextLength;
    const inputIds = new Int32Array(texts.length * length);
    texts.forEach((text, row) => {
      const ids = this.textIds(text).slice(0, length - 2);
      inputIds.set([this.clip.bosId, ...ids, this.clip.eosId], row * length);
    });
    return { inputIds, length };
  }

  /** Ids of one text alone: no start, no end, nothing cut. */
  textIds(text: string): number[] {
    const cleaned = unescapeHtml(unescapeHtml(fixText(text)))
      .replace(SPACES, ' ')
      .trim();
    return (cleaned.toLowerCase().match(WORD) ?? []).flatMap((word) => {
      if (word === START) return [this.clip.bosId];
      return word === END ? [this.clip.eosId] : this.encoder.encode(word);
    });
  }
}
