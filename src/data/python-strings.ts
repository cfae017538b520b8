/** Lists of strings in Python source, read without running it. Source: The Python Language Reference, 2.4.1. */

/** Where a reading stands. */
interface Place {
  readonly source: string;
  at: number;
}

/**
 * The strings of `name = [ … ]` where the list holds string literals alone; the last such list counts, as when run.
 * Neighbouring literals are one string.
 * @returns undefined where the source gives the name no list
 * @throws RangeError for an element that is no string literal, or one whose value only running it tells
 */
export function pythonStringList(source: string, name: string): string[] | undefined {
  const starts = [...source.matchAll(/^([A-Za-z_]\w*)[ \t]*=[ \t]*\[/gm)];
  const start = starts.filter(([, found]) => found === name).at(-1);
  if (!start) return undefined;
  const place = { source, at: (start.index ?? 0) + start[0].length };
  const strings: string[] = [];
  for (;;) {
    skipBlanks(place);
    if (source[place.at] === ']') return strings;
    strings.push(literals(place, name));
    skipBlanks(place);
    if (source[place.at] === ',') place.at++;
    else if (source[place.at] !== ']') throw notAString(place, name);
  }
}

/** Spaces, line ends, comments. */
const BLANKS = /(?:\s|#[^\n]*)*/y;

function skipBlanks(place: Place): void {
  BLANKS.lastIndex = place.at;
  BLANKS.exec(place.source);
  place.at = BLANKS.lastIndex;
}

const OPENING = /([rR]|[uU])?("""|'''|"|')/y;

/** One literal, and those that follow it without a comma. */
function literals(place: Place, name: string): string {
  let text = '';
  for (let count = 0; ; count++) {
    OPENING.lastIndex = place.at;
    const [all, prefix = '', quote = ''] = OPENING.exec(place.source) ?? [];
    if (all === undefined && count > 0) return text;
    if (all === undefined) throw notAString(place, name);
    place.at += all.length;
    text += body(place, quote, /r/i.test(prefix) ? 'raw' : 'escaped', name);
    skipBlanks(place);
  }
}

/** Up to the closing quote, which is passed over. */
function body(place: Place, quote: string, kind: 'raw' | 'escaped', name: string): string {
  const { source } = place;
  const from = place.at;
  let end = from;
  while (!source.startsWith(quote, end)) {
    if (end >= source.length || (quote.length === 1 && source[end] === '\n'))
      throw new RangeError(`A string in the list "${name}" has no end.`);
    end += source[end] === '\\' ? 2 : 1;
  }
  place.at = end + quote.length;
  const text = source.slice(from, end);
  return kind === 'raw' ? text : unescaped(text, name);
}

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

const SIGNS: { readonly [letter: string]: string } = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unescaped(text: string, name: string): string {
  return text.replace(ESCAPE, (all, octal, x, u, long, letter) => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const hex = x ?? u ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (/[NxuU]/.test(letter))
      throw new RangeError(`The list "${name}" has an escape that cannot be read: ${all}.`);
    return SIGNS[letter] ?? all; // Python keeps the backslash of an escape that is none
  });
}

function notAString({ source, at }: Place, name: string): RangeError {
  const line = source.slice(at).split('\n')[0]?.slice(0, 40);
  return new RangeError(`The list "${name}" should hold string literals alone; it has: ${line}`);
}
