/** Foreign HTML made harmless: what a report may contain, and nothing that reaches the network. */
import { JSDOM } from 'jsdom';

const TAGS = new Set(
  [
    'a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4',
    'h5 h6 hr i img kbd li mark ol p pre progress s samp small span strong sub summary sup table',
    'tbody td tfoot th thead tr u ul var',
    'annotation math menclose mfrac mi mn mo mover mpadded mroot mrow mspace msqrt mstyle msub',
    'msubsup msup mtable mtd mtext mtr munder munderover semantics',
  ].flatMap((line) => line.split(' ')),
);
const ATTRIBUTES = new Set(
  [
    'alt class colspan encoding height href id max open rowspan src start style title value width',
    'accent columnalign columnspacing display displaystyle fence form lspace mathvariant maxsize',
    'minsize rowspacing rspace scriptlevel separator stretchy xmlns',
  ].flatMap((line) => line.split(' ')),
);
const REMOVED = 'script, style, iframe, object, embed, link, meta, base, form, svg';

/** Keeps text, tables, pictures given as data, and formulas; drops scripts, handlers, addresses. */
export function sanitizeHtml(html: string): string {
  const { document } = new JSDOM(`<body>${html}</body>`).window;
  for (const element of document.querySelectorAll(REMOVED)) element.remove();
  for (const element of document.body.querySelectorAll('*')) {
    if (!TAGS.has(element.localName)) {
      element.replaceWith(...element.childNodes);
      continue;
    }
    for (const { name, value } of [...element.attributes]) {
      if (!isHarmless(name, value)) element.removeAttribute(name);
    }
  }
  return document.body.innerHTML;
}

function isHarmless(name: string, value: string): boolean {
  if (!ATTRIBUTES.has(name)) return false;
  if (name === 'src') return /^data:image\/(png|jpeg|webp|gif);base64,/.test(value);
  if (name === 'href') return /^(https?:|#)/.test(value);
  if (name === 'style') return !/url\(|expression|@import|position\s*:/i.test(value);
  return true;
}

/** Traces and logs as HTML: colour codes of terminals are dropped. */
export function stripAnsi(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour code starts with one
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
}
