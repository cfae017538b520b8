// CLIP's text cleaning and its cut into words, as transformers 5 does them (models/clip/tokenization_clip.py).
// The character classes are those of the reference's regular expressions, whatever Unicode version Node has.

export const SPACES = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Letters and digits that Unicode 17 added; the reference's tables (tokenizers 0.23) are Unicode 16. */
const NEWER =
  '\\u088f\\u0c5c\\u0cdc\\ua7ce\\ua7cf\\ua7d2\\ua7d4\\ua7f1\\u{10940}-\\u{10959}\\u{10ec5}-\\u{10ec7}' +
  '\\u{11db0}-\\u{11ddb}\\u{11de0}-\\u{11de9}\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}\\u{16ff2}-\\u{16ff6}' +
  '\\u{187f8}-\\u{187ff}\\u{18d09}-\\u{18d1e}\\u{18d80}-\\u{18df2}\\u{1e6c0}-\\u{1e6de}\\u{1e6e0}-\\u{1e6e2}' +
  '\\u{1e6e4}\\u{1e6e5}\\u{1e6e7}-\\u{1e6ed}\\u{1e6f0}-\\u{1e6f4}\\u{1e6fe}\\u{1e6ff}\\u{2b73a}-\\u{2b73f}' +
  '\\u{2cea2}-\\u{2cead}\\u{323b0}-\\u{33479}';

const CONTRACTION = "'s|'t|'re|'ve|'m|'ll|'d";
const LETTERS = `(?:(?![${NEWER}])\\p{L})+`;
const DIGIT = `(?![${NEWER}])\\p{N}`;
const OTHERS = `(?:[${NEWER}]|[^ \\p{L}\\p{N}])+`; // after cleaning, the only white space is a space

const CHUNK = new RegExp(
  `<\\|startoftext\\|>|<\\|endoftext\\|>|${CONTRACTION}|${LETTERS}|${DIGIT}|${OTHERS}`,
  'gu',
);
const WORD = new RegExp(`${CONTRACTION}|${LETTERS}|(?:${DIGIT})+|${OTHERS}`, 'gu');

/** NFC, any white space to one space, lower case (character by character: Σ becomes σ at the end of a word, too). */
export function cleanText(text: string): string {
  return text.normalize('NFC').replace(SPACES, ' ').replace(/Σ/g, 'σ').toLowerCase();
}

/** The words of a cleaned text. The second cut is byte-level BPE's own; it splits only a spelled-out special token. */
export function splitWords(cleaned: string): string[] {
  const chunks = cleaned.match(CHUNK) ?? [];
  return chunks.flatMap((chunk) => chunk.match(WORD) ?? []);
}
