import { entityOf, numbered, WINDOWS_1252 } from './html-entities';

/**
 * `ftfy.fix_text` (6.3) without its guesses: what the tokenizer of transformers 4 did to a text before cutting it, where
 * ftfy was installed, as train.py's requirements ask. Curly quotes become straight, ligatures letters, full-width forms
 * plain; control characters and terminal colours go.
 *
 * Not here: the repair of text decoded in a wrong encoding, and entities of HTML that HTML 4 had not.
 * Source: ftfy/__init__.py (`fix_text`, `fix_and_explain`), ftfy/fixes.py.
 */
export function fixText(text: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+/g) ?? [];
  let hasTags = false;
  return lines
    .map((line) => {
      hasTags ||= line.includes('<'); // from then on an entity is meant to be one
      return fixLine(line, hasTags ? STEPS : [ENTITIES, ...STEPS]);
    })
    .join('');
}

type Step = (text: string) => string;

/** All steps, again and again until nothing changes: an entity may hide a quote. */
function fixLine(line: string, steps: readonly Step[]): string {
  const fixed = steps.reduce((text, step) => step(text), line);
  return fixed === line ? fixed : fixLine(fixed, steps);
}

const ENTITIES: Step = (text) =>
  text.replace(
    /&(#(?:\d{1,23}|[xX][\da-fA-F]{1,22})|[\da-zA-Z]{1,24});/g,
    (whole, name: string) => {
      if (name.startsWith('#')) return numbered(name);
      return entityOf(name) ?? shouted(name) ?? whole;
    },
  );

/** `&EACUTE;`, which is no name, is the capital of `&eacute;`. */
function shouted(name: string): string | undefined {
  const quiet = name.toLowerCase();
  return name === quiet.toUpperCase() ? entityOf(quiet)?.toUpperCase() : undefined;
}

const TERMINAL = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*[a-zA-Z]`, 'g');
const CONTROL = /(?![\t\n\f\r\x80-\x9f])[\p{Cc}\u206a-\u206f\ufeff\ufff9-\ufffc]/gu;

const STEPS: readonly Step[] = [
  (text) => text.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80] ?? c),
  (text) => text.replace(/[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬆ]/g, (c) => (c === 'ﬅ' ? 'ſt' : c.normalize('NFKC'))),
  (text) => text.replace(/[\u3000\uff01-\uffef]/g, (c) => c.normalize('NFKC')),
  (text) => text.replace(/[\u201c-\u201f]/g, '"').replace(/[\u02bc\u2018-\u201b]/g, "'"),
  (text) => text.replace(/\r\n?|[\u2028\u2029\x85]/g, '\n'),
  (text) => text.replace(/\p{Surrogate}/gu, '\ufffd'),
  (text) => text.replace(TERMINAL, '').replace(CONTROL, ''),
  (text) => text.normalize('NFC'),
];
