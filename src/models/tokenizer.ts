import { BytePairEncoder, type Merge, textOfSymbols } from './tokenizer-bpe';
import { cleanText, splitWords } from './tokenizer-text';

/** A token that is found in a text as a whole, before any cutting into words. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Where it is looked for: in the text as given, or in the cleaned text. */
  readonly matches: 'raw' | 'cleaned';
}

/** All that a CLIP tokenizer is made of. */
export interface TokenizerDefinition {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly Merge[];
  readonly added: readonly AddedToken[];
  readonly bosToken: string;
  readonly eosToken: string;
  readonly unkToken: string;
  readonly padToken: string;
  readonly modelMaxLength: number;
  /** `tokenizer_config.json` as it was read, to be written back. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Padded ids of a batch of texts. */
export interface EncodedTexts {
  /** [n × length], row-major. */
  readonly inputIds: Int32Array;
  readonly length: number;
}

/** CLIP's tokenizer: cleaning, words, byte-pair encoding, start and end tokens, padding and truncation. */
export class ClipTokenizer {
  readonly modelMaxLength: number;
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  private readonly encoder: BytePairEncoder;
  private readonly raw: Splitter;
  private readonly cleaned: Splitter;
  private symbols: ReadonlyMap<number, string> | undefined;

  /** @throws RangeError where a special token or a symbol of a merge rule is not in the vocabulary. */
  constructor(readonly definition: TokenizerDefinition) {
    const { vocab, merges, added, bosToken, eosToken, padToken, unkToken } = definition;
    const idOf = (token: string) => {
      const id = vocab.get(token) ?? added.find(({ content }) => content === token)?.id;
      if (id === undefined) throw new RangeError(`the vocabulary lacks the token "${token}"`);
      return id;
    };
    this.modelMaxLength = definition.modelMaxLength;
    this.bosId = idOf(bosToken);
    this.eosId = idOf(eosToken);
    this.padId = idOf(padToken);
    this.encoder = new BytePairEncoder(vocab, merges, idOf(unkToken));
    this.raw = splitter(added.filter(({ matches }) => matches === 'raw'));
    this.cleaned = splitter(
      added
        .filter(({ matches }) => matches === 'cleaned')
        .map((token) => ({ ...token, content: cleanText(token.content) })),
    );
  }

  /**
   * Ids of each text, `[bos, …, eos, pad, …]`, cut and padded to `modelMaxLength`: transformers'
   * `tokenizer(texts, padding="max_length", truncation=True)`.
   */
  encode(texts: readonly string[]): EncodedTexts {
    const length = this.modelMaxLength;
    const inputIds = new Int32Array(texts.length * length).fill(this.padId);
    texts.forEach((text, row) => {
      const ids = this.textIds(text).slice(0, length - 2);
      inputIds.set([this.bosId, ...ids, this.eosId], row * length);
    });
    return { inputIds, length };
  }

  /** Ids of one text alone: no start, no end, nothing cut. */
  textIds(text: string): number[] {
    return this.raw(text).flatMap((part) => {
      if (typeof part === 'number') return [part];
      return this.cleaned(cleanText(part)).flatMap((piece) =>
        typeof piece === 'number' ? [piece] : this.wordIds(piece),
      );
    });
  }

  /**
   * The end of a text that is cut off before the model reads it, as diffusers warns of it; undefined where nothing is.
   * Upstream: `removed_text`, pipeline_stable_diffusion.py.
   */
  cutOff(text: string): string | undefined {
    const ids = this.textIds(text);
    const room = this.modelMaxLength - 2; // start and end
    return ids.length > room ? this.textOf(ids.slice(room)) : undefined;
  }

  /** The text of ids: cleaned, a space after each word. transformers' `decode`. */
  textOf(ids: readonly number[]): string {
    const { vocab, added } = this.definition;
    this.symbols ??= new Map([...vocab].map(([symbol, id]) => [id, symbol]));
    const whole = new Map(added.map(({ id, content }) => [id, content]));
    const pieces: string[] = [];
    let symbols = '';
    for (const id of ids) {
      const token = whole.get(id);
      if (token === undefined) symbols += this.symbols.get(id) ?? '';
      else {
        pieces.push(textOfSymbols(symbols), token);
        symbols = '';
      }
    }
    return [...pieces, textOfSymbols(symbols)].join('').replace(ENDS, '');
  }

  private wordIds(cleaned: string): number[] {
    return splitWords(cleaned).flatMap((word) => this.encoder.encode(word));
  }
}

/** What Python's `strip` takes away: white space, and the four separators of ASCII. */
const SPACES = '[\\p{White_Space}\\u001c-\\u001f]+';
const ENDS = new RegExp(`^${SPACES}|${SPACES}$`, 'gu');

/** Cuts added tokens out of a text, the longest first where several start at one place. */
type Splitter = (text: string) => (string | number)[];

function splitter(tokens: readonly Pick<AddedToken, 'content' | 'id'>[]): Splitter {
  const ids = new Map(tokens.map(({ content, id }) => [content, id]));
  const contents = [...ids.keys()].filter((content) => content !== '');
  if (contents.length === 0) return (text) => [text];
  const longestFirst = contents.sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(${longestFirst.map(escapeRegExp).join('|')})`, 'u');
  return (text) =>
    text.split(pattern).map((part, i) => (i % 2 === 0 ? part : (ids.get(part) ?? part)));
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
