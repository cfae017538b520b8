// BERT's uncased tokenizer: cleaning, words and marks, greedy pieces. Source: transformers, models/bert, `BasicTokenizer`
// and `WordpieceTokenizer` (Devlin et al. 2018; Schuster & Nakajima 2012).

/** What a text may name whole, in any place; only so written. */
const SPECIAL = ['[UNK]', '[SEP]', '[PAD]', '[CLS]', '[MASK]'] as const;
const LONGEST_WORD = 100; // characters; a longer one is unknown

/** Chinese characters, each of which is a word. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const SPACE = /[\t\n\r\p{Z}]/gu;
const CONTROL = /[\p{C}\ufffd]/gu;
/** A punctuation mark of Unicode's, or any of ASCII's that is neither letter nor digit. */
const WORD = /[\p{P}!-/:-@[-`{-~]|[^\p{P}!-/:-@[-`{-~ ]+/gu;

/** Turns texts into ids of word pieces. */
export class WordPieceTokenizer {
  private readonly special: RegExp;

  /**
   * @param vocab ids by piece; a piece that goes on with a word begins with `##`
   * @throws RangeError where a special token is not in it
   */
  constructor(
    private readonly vocab: ReadonlyMap<string, number>,
    private readonly maxLength: number,
    more: readonly string[] = [],
  ) {
    for (const token of [...SPECIAL, ...more]) this.idOf(token);
    const names = [...SPECIAL, ...more].map((token) => token.replace(/[[\]]/g, '\\$&'));
    this.special = new RegExp(`(${names.join('|')})`, 'u');
  }

  /** `[CLS] … [SEP]`, cut to the longest length; nothing is padded. */
  encode(text: string): number[] {
    const parts = text.split(this.special);
    const ids = parts.flatMap((part, i) => (i % 2 === 1 ? [this.idOf(part)] : this.textIds(part)));
    return [this.idOf('[CLS]'), ...ids.slice(0, this.maxLength - 2), this.idOf('[SEP]')];
  }

  private textIds(text: string): number[] {
    const cleaned = text.replace(SPACE, ' ').replace(CONTROL, '').replace(IDEOGRAPH, ' $& ');
    const plain = cleaned
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toLowerCase();
    return (plain.match(WORD) ?? []).flatMap((word) => this.pieces(word));
  }

  /** The longest piece that the word begins with, then of the rest; all or nothing. */
  private pieces(word: string): number[] {
    const characters = [...word];
    const unknown = [this.idOf('[UNK]')];
    if (characters.length > LONGEST_WORD) return unknown;
    const ids: number[] = [];
    for (let start = 0; start < characters.length; ) {
      let end = characters.length;
      let id: number | undefined;
      for (; end > start && id === undefined; end--) {
        const piece = characters.slice(start, end).join('');
        id = this.vocab.get(start === 0 ? piece : `##${piece}`);
      }
      if (id === undefined) return unknown;
      ids.push(id);
      start = end + 1; // the loop has counted one too far
    }
    return ids;
  }

  private idOf(token: string): number {
    const id = this.vocab.get(token);
    if (id === undefined) throw new RangeError(`the vocabulary lacks the token "${token}"`);
    return id;
  }
}
