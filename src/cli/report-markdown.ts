/** The prose of a notebook as HTML, formulas as MathML that browsers draw by themselves. */
import { renderToString } from 'katex';
import { Marked, type TokenizerAndRendererExtension } from 'marked';
import { escapeHtml } from '../show/text';
import { sanitizeHtml } from './report-html';

/** A heading, for the table of contents. */
export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

function formula(name: string, level: 'block' | 'inline', rule: RegExp) {
  const extension: TokenizerAndRendererExtension = {
    name,
    level,
    start: (source) => source.match(level === 'block' ? /^\$\$/m : /\$/)?.index,
    tokenizer: (source) => {
      const match = rule.exec(source);
      return match === null ? undefined : { type: name, raw: match[0], tex: match[1] ?? '' };
    },
    renderer: ({ tex }) => {
      const displayMode = level === 'block';
      return renderToString(String(tex), { displayMode, output: 'mathml', throwOnError: false });
    },
  };
  return extension;
}

const marked = new Marked({
  gfm: true,
  extensions: [
    formula('displayFormula', 'block', /^\$\$([\s\S]+?)\$\$(?:\n|$)/),
    formula('inlineFormula', 'inline', /^\$([^\s$](?:[^$]*[^\s$])?)\$(?!\d)/),
  ],
  renderer: { html: ({ text }) => escapeHtml(text) },
});

/** Renders one Markdown cell; links to files beside the notebook become plain text. */
export function renderMarkdown(source: string): string {
  return sanitizeHtml(marked.parse(source, { async: false }));
}

/** The headings of a Markdown cell with the ids that `anchorHeadings` gives them. */
export function headingsOf(source: string): Heading[] {
  return [...source.matchAll(/^(#{1,3})\s+(.+)$/gm)].map(([, marks = '', text = '']) => ({
    level: marks.length,
    id: slug(text),
    text: text.replace(/[*_`]/g, ''),
  }));
}

/** Gives the headings of rendered Markdown the ids of `headingsOf`, in order. */
export function anchorHeadings(html: string, headings: readonly Heading[]): string {
  let next = 0;
  return html.replace(/<h([1-3])>/g, (tag, level: string) => {
    const heading = headings[next++];
    return heading === undefined ? tag : `<h${level} id="${escapeHtml(heading.id)}">`;
  });
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
}
