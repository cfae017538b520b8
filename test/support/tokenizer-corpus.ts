/**
 * Odd texts by a recipe that test/fixtures/tokenizer_corpus.py has, too: Python's generator draws, and no text is stored.
 * Change both together.
 */
import { PythonRandom } from '../../src/random';

export const CORPUS_SEED = 20260;
export const BLOCK = 100;

const WORDS =
  'a photo of the red blue cat dog house and with without statistics argument random parser decimal value returns mean sunset portrait 4k trending artstation'.split(
    ' ',
  );
const ENDS = ['', '', '', ',', '.', '!', '?', "'s", "'t", '-x', '…', "n't", '’s'];
const MARKS = [...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~“”‘’–—…•·¡¿«»§¶©®™°±×÷€£¥'];
const CONTRACTIONS = [
  "'s",
  "'t",
  "'re",
  "'ve",
  "'m",
  "'ll",
  "'d",
  "''",
  "'",
  '’re',
  "'S",
  "'LL",
  "'ſ",
];
const SPACES = [
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\x0b',
  '\x0c',
  '\x1c',
  '\x1f',
  '\x85',
  '\xa0',
  '\u1680',
];
const MORE_SPACES = [
  '\u2003',
  '\u2028',
  '\u2029',
  '\u202f',
  '\u205f',
  '\u3000',
  '\u200b',
  '\ufeff',
  '\u180e',
];
const ENTITIES = [
  '&amp;',
  '&lt;b&gt;',
  '&#39;',
  '&#x27;',
  '&quot;',
  '&nbsp;',
  '&eacute;',
  '&amp;amp;',
  '<br/>',
  '&;',
];
const BROKEN = ['é', '“quotes”', '’', '…', 'ü', '–', '日本', '😀', 'ñandú', '£5', '\xa0', 'Č'];
const SPECIAL = [
  '<|startoftext|>',
  '<|endoftext|>',
  '<|ENDOFTEXT|>',
  '<|endoftext',
  '<|',
  '|>',
  '<end>',
  '!',
];
const JOINERS = ['', ' ', ' ', ' ', '  ', ', ', ' - ', '\n'];
const SKINS = ['', '', '\ufe0f', '\u{1f3fb}', '\u{1f3ff}', '\u200d\u2642\ufe0f', '\u200d'];

type Draw = (random: PythonRandom) => string;

const point = (random: PythonRandom, low: number, high: number) =>
  String.fromCodePoint(low + random.randrange(high - low));

/** `least` to `most` draws, one after the other. */
function several(random: PythonRandom, least: number, most: number, draw: Draw): string {
  const count = least + random.randrange(most - least + 1);
  return Array.from({ length: count }, () => draw(random)).join('');
}

const within =
  (low: number, high: number): Draw =>
  (random) =>
    several(random, 1, 8, () => point(random, low, high));

/** UTF-8 that somebody read as Latin-1. */
const misread = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));

const word: Draw = (random) => {
  const plain = random.choice(WORDS);
  const forms = [
    plain,
    plain,
    plain,
    plain.toUpperCase(),
    `${plain.slice(0, 1).toUpperCase()}${plain.slice(1)}`,
  ];
  return random.choice(forms) + random.choice(ENDS);
};

/** The kinds of pieces, in the order in which they are drawn. */
const PIECES: readonly Draw[] = [
  word,
  word,
  word,
  (random) => several(random, 1, 12, () => random.choice(MARKS)),
  (random) => several(random, 1, 9, () => point(random, 0x30, 0x3a)),
  (random) => word(random) + several(random, 1, 3, () => random.choice(CONTRACTIONS)),
  within(0xc0, 0x250),
  (random) =>
    several(
      random,
      1,
      5,
      () => point(random, 0x61, 0x7b) + several(random, 0, 3, () => point(random, 0x300, 0x370)),
    ),
  within(0x370, 0x530),
  within(0x590, 0x700),
  within(0x900, 0xe80),
  within(0x1e00, 0x2070),
  within(0x2070, 0x2c00),
  within(0x3040, 0x3100),
  within(0x4e00, 0xa000),
  within(0xac00, 0xd7a4),
  within(0xf900, 0xffff),
  (random) => several(random, 1, 4, () => point(random, 0x1f300, 0x1fb00) + random.choice(SKINS)),
  (random) => several(random, 1, 3, () => point(random, 0x1f1e6, 0x1f200)),
  (random) => several(random, 1, 6, () => point(random, 0x00, 0x20)),
  (random) => several(random, 1, 6, () => point(random, 0x7f, 0xa1)),
  (random) => several(random, 1, 3, () => random.choice([...SPACES, ...MORE_SPACES])),
  (random) => random.choice(ENTITIES),
  (random) => misread(random.choice(BROKEN)),
  (random) => random.choice(SPECIAL),
  (random) => several(random, 60, 260, () => point(random, 0x61, 0x7b)),
  within(0x10000, 0x20000),
  (random) => several(random, 1, 4, () => notSurrogate(random.randrange(0x110000))),
];

/** What no text can hold is left out. */
const notSurrogate = (code: number) =>
  code >= 0xd800 && code < 0xe000 ? '' : String.fromCodePoint(code);

/** The first `count` texts of the corpus. */
export function corpus(count: number): string[] {
  const random = new PythonRandom(CORPUS_SEED);
  return Array.from({ length: count }, () =>
    several(random, 1, 8, () => random.choice(PIECES)(random) + random.choice(JOINERS)),
  );
}
