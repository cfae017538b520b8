/**
 * Python's `html.unescape`, as OpenCLIP's tokenizer applies it, with the 253 names of HTML 4 and `apos`; the two
 * thousand that HTML 5 added stay as they are written. Source: CPython, Lib/html/__init__.py.
 */
export function unescapeHtml(text: string): string {
  return text.replace(REFERENCE, (whole, name: string) =>
    name.startsWith('#') ? numbered(name) : named(whole, name),
  );
}

const REFERENCE = /&(#\d+;?|#[xX][\da-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;

/** From U+00A0 on; these may stand without a semicolon. */
const LATIN1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 ' +
  'acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde ' +
  'Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc ' +
  'Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml ' +
  'aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc ' +
  'otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';

/** Each name before its code in base 16. */
const OTHERS =
  'OElig 152 oelig 153 Scaron 160 scaron 161 Yuml 178 fnof 192 circ 2c6 tilde 2dc Alpha 391 Beta 392 Gamma ' +
  '393 Delta 394 Epsilon 395 Zeta 396 Eta 397 Theta 398 Iota 399 Kappa 39a Lambda 39b Mu 39c Nu 39d Xi 39e ' +
  'Omicron 39f Pi 3a0 Rho 3a1 Sigma 3a3 Tau 3a4 Upsilon 3a5 Phi 3a6 Chi 3a7 Psi 3a8 Omega 3a9 alpha 3b1 ' +
  'beta 3b2 gamma 3b3 delta 3b4 epsilon 3b5 zeta 3b6 eta 3b7 theta 3b8 iota 3b9 kappa 3ba lambda 3bb mu 3bc ' +
  'nu 3bd xi 3be omicron 3bf pi 3c0 rho 3c1 sigmaf 3c2 sigma 3c3 tau 3c4 upsilon 3c5 phi 3c6 chi 3c7 psi ' +
  '3c8 omega 3c9 thetasym 3d1 upsih 3d2 piv 3d6 ensp 2002 emsp 2003 thinsp 2009 zwnj 200c zwj 200d lrm 200e ' +
  'rlm 200f ndash 2013 mdash 2014 lsquo 2018 rsquo 2019 sbquo 201a ldquo 201c rdquo 201d bdquo 201e dagger ' +
  '2020 Dagger 2021 bull 2022 hellip 2026 permil 2030 prime 2032 Prime 2033 lsaquo 2039 rsaquo 203a oline ' +
  '203e frasl 2044 euro 20ac image 2111 weierp 2118 real 211c trade 2122 alefsym 2135 larr 2190 uarr 2191 ' +
  'rarr 2192 darr 2193 harr 2194 crarr 21b5 lArr 21d0 uArr 21d1 rArr 21d2 dArr 21d3 hArr 21d4 forall 2200 ' +
  'part 2202 exist 2203 empty 2205 nabla 2207 isin 2208 notin 2209 ni 220b prod 220f sum 2211 minus 2212 ' +
  'lowast 2217 radic 221a prop 221d infin 221e ang 2220 and 2227 or 2228 cap 2229 cup 222a int 222b there4 ' +
  '2234 sim 223c cong 2245 asymp 2248 ne 2260 equiv 2261 le 2264 ge 2265 sub 2282 sup 2283 nsub 2284 sube ' +
  '2286 supe 2287 oplus 2295 otimes 2297 perp 22a5 sdot 22c5 lceil 2308 rceil 2309 lfloor 230a rfloor 230b ' +
  'loz 25ca spades 2660 clubs 2663 hearts 2665 diams 2666 lang 27e8 rang 27e9';

const LEGACY: ReadonlyMap<string, number> = new Map([
  ...LATIN1.split(' ').map((name, i) => [name, 0xa0 + i] as const),
  ...Object.entries({ amp: 0x26, lt: 0x3c, gt: 0x3e, quot: 0x22 }),
  ...Object.entries({ AMP: 0x26, LT: 0x3c, GT: 0x3e, QUOT: 0x22, COPY: 0xa9, REG: 0xae }),
]);

const NAMES: ReadonlyMap<string, number> = new Map([
  ...LEGACY,
  ['apos', 0x27],
  ...[...OTHERS.matchAll(/(\w+) (\w+)/g)].map(
    ([, name = '', code = '']) => [name, Number.parseInt(code, 16)] as const,
  ),
]);

/** The character of a whole name, or of the longest one that it begins with. */
function named(whole: string, name: string): string {
  const code = name.endsWith(';') ? NAMES.get(name.slice(0, -1)) : LEGACY.get(name);
  if (code !== undefined) return String.fromCodePoint(code);
  for (let length = name.length - 1; length > 1; length--) {
    const start = LEGACY.get(name.slice(0, length));
    if (start !== undefined) return String.fromCodePoint(start) + name.slice(length);
  }
  return whole;
}

/** What the bytes 0x80 … 0x9f are in Windows-1252; five are nothing and stay. */
export const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The character of a name without `&` and `;`. */
export function entityOf(name: string): string | undefined {
  const code = NAMES.get(name);
  return code === undefined ? undefined : String.fromCodePoint(code);
}

/** @param name such as `#65;` or `#x41` */
export function numbered(name: string): string {
  const code = Number(name.replace(/^#x/i, '0x').replace(/^#|;$/g, ''));
  if (code === 0x0d) return '\r';
  if (code >= 0x80 && code < 0xa0) return WINDOWS_1252[code - 0x80] ?? '';
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return '\ufffd';
  const isControl = code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0c;
  const isNone = (code & 0xfffe) === 0xfffe || (code >= 0xfdd0 && code < 0xfdf0);
  return isControl || code === 0x7f || isNone ? '' : String.fromCodePoint(code);
}
