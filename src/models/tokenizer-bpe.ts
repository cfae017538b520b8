// Byte-level byte-pair encoding (Sennrich et al., 2016; the byte alphabet is GPT-2's) with CLIP's end-of-word mark.

const END_OF_WORD = '</w>';
const CACHE_SIZE = 50_000; // words

/** A merge rule: two neighbouring symbols become one. Earlier rules come first. */
export type Merge = readonly [left: string, right: string];

/** Turns words into ids. */
export class BytePairEncoder {
  private readonly ranks = new Map<string, number>();
  private readonly cache = new Map<string, readonly number[]>();

  /** @throws RangeError where a rule makes or uses a symbol that is not in the vocabulary. */
  constructor(
    private readonly vocab: ReadonlyMap<string, number>,
    merges: readonly Merge[],
    private readonly unknownId: number,
  ) {
    merges.forEach(([left, right], rank) => {
      for (const symbol of [left, right, left + right]) {
        if (vocab.has(symbol)) continue;
        throw new RangeError(
          `merge ${rank + 1}, "${left} ${right}", needs "${symbol}", which the vocabulary lacks`,
        );
      }
      const pair = `${left} ${right}`;
      if (!this.ranks.has(pair)) this.ranks.set(pair, rank);
    });
  }

  /** Ids of one word. */
  encode(word: string): readonly number[] {
    const known = this.cache.get(word);
    if (known) return known;
    const ids = this.merge(byteSymbols(word)).map(
      (symbol) => this.vocab.get(symbol) ?? this.unknownId,
    );
    if (this.cache.size >= CACHE_SIZE) this.cache.clear();
    this.cache.set(word, ids);
    return ids;
  }

  /** Applies the earliest rule that fits, everywhere from left to right, until none fits. */
  private merge(symbols: string[]): string[] {
    let word = symbols;
    for (;;) {
      const rank = this.earliestRank(word);
      if (rank === Number.POSITIVE_INFINITY) return word;
      const merged: string[] = [];
      for (let i = 0; i < word.length; i++) {
        const [left, right] = [word[i] as string, word[i + 1]];
        const fits = right !== undefined && this.ranks.get(`${left} ${right}`) === rank;
        merged.push(fits ? left + right : left);
        if (fits) i += 1;
      }
      word = merged;
    }
  }

  private earliestRank(word: readonly string[]): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 1; i < word.length; i++) {
      const rank = this.ranks.get(`${word[i - 1]} ${word[i]}`);
      if (rank !== undefined && rank < earliest) earliest = rank;
    }
    return earliest;
  }
}

/** One printable character per byte: itself where it is printable Latin-1, else the next one from U+0100 on. */
export const BYTE_ALPHABET: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

const BYTES: ReadonlyMap<string, number> = new Map(BYTE_ALPHABET.map((symbol, i) => [symbol, i]));
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of symbols one after the other; what is no UTF-8 becomes U+FFFD. */
export function textOfSymbols(symbols: string): string {
  const bytes = Uint8Array.from(symbols, (symbol) => BYTES.get(symbol) ?? 0);
  return fromUtf8.decode(bytes).replaceAll(END_OF_WORD, ' ');
}

const utf8 = new TextEncoder();

function byteSymbols(word: string): string[] {
  const symbols = Array.from(utf8.encode(word), (byte) => BYTE_ALPHABET[byte] as string);
  const last = symbols.pop();
  return last === undefined ? [] : [...symbols, last + END_OF_WORD];
}
