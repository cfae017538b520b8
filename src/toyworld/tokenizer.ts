/** The world's CLIP tokenizer: byte-pair encoding learned until every word of a caption is one token. */

import { ClipTokenizer } from '../models/tokenizer';
import { BYTE_ALPHABET, type Merge } from '../models/tokenizer-bpe';
import { captionWords } from './captions';
import { TEXT_LENGTH } from './model-configs';

const END_OF_WORD = '</w>';
const BEGIN_TOKEN = '<|startoftext|>';
const END_TOKEN = '<|endoftext|>';

/**
 * The tokenizer of captions. Any other text can be encoded too, in more tokens. Ids in CLIP's order:
 * bytes, bytes that end a word, merges, the two end marks.
 */
export function worldTokenizer(): ClipTokenizer {
  const merges = learnMerges(captionWords());
  const tokens = [
    ...BYTE_ALPHABET,
    ...BYTE_ALPHABET.map((symbol) => symbol + END_OF_WORD),
    ...merges.map(([left, right]) => left + right),
    BEGIN_TOKEN,
    END_TOKEN,
  ];
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const added = [BEGIN_TOKEN, END_TOKEN].map((content) => ({
    content,
    id: vocab.get(content) ?? 0,
    matches: 'raw' as const,
  }));
  return new ClipTokenizer({
    vocab,
    merges,
    added,
    bosToken: BEGIN_TOKEN,
    eosToken: END_TOKEN,
    unkToken: END_TOKEN,
    padToken: END_TOKEN,
    modelMaxLength: TEXT_LENGTH,
    config: {},
  });
}

/**
 * Merges the most frequent pair of neighbours, the first of equals, until every word is one symbol
 * (Sennrich, Haddow and Birch 2016, algorithm 1). Encoding repeats these merges in this order, so
 * every word becomes one token again.
 */
export function learnMerges(words: readonly string[]): Merge[] {
  const merges: Merge[] = [];
  let spelled = words.map((word) => [...word.slice(0, -1), word.slice(-1) + END_OF_WORD]);
  for (;;) {
    const pair = mostFrequentPair(spelled);
    if (!pair) return merges;
    merges.push(pair);
    spelled = spelled.map((symbols) => mergePair(symbols, pair));
  }
}

function mostFrequentPair(spelled: readonly (readonly string[])[]): Merge | undefined {
  const counts = new Map<string, number>();
  for (const symbols of spelled)
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1]} ${symbols[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  let best: string | undefined;
  for (const [pair, count] of counts)
    if (best === undefined || count > (counts.get(best) ?? 0)) best = pair;
  return best?.split(' ') as [string, string] | undefined;
}

function mergePair(symbols: readonly string[], [left, right]: Merge): string[] {
  const merged: string[] = [];
  for (const symbol of symbols) {
    const fits = symbol === right && merged[merged.length - 1] === left;
    if (fits) merged[merged.length - 1] = left + right;
    else merged.push(symbol);
  }
  return merged;
}
