/** One self-contained page from a notebook that was run: it opens anywhere, without a network. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { escapeHtml } from '../show/text';
import type { CodeCell, Notebook } from './notebook-file';
import { highlight } from './report-code';
import { anchorHeadings, type Heading, headingsOf, renderMarkdown } from './report-markdown';
import { hasFigure, renderOutput } from './report-output';
import { DRAW_FIGURES, STYLE } from './report-style';

export interface ReportOptions {
  /** Told below the title: when, where, how long. */
  readonly facts?: readonly string[];
}

/** The page. Its own policy forbids it every connection. */
export function reportHtml({ cells }: Notebook, { facts = [] }: ReportOptions = {}): string {
  const headingsByCell = withOwnIds(
    cells.map((cell) => (cell.cell_type === 'markdown' ? headingsOf(cell.source) : [])),
  );
  const headings = headingsByCell.flat();
  const title = headings.find(({ level }) => level === 1)?.text ?? 'Notebook';
  const isInteractive = cells.some((cell) => cell.cell_type === 'code' && hasFigure(cell.outputs));
  const body = cells.map((cell, i) => {
    if (cell.cell_type === 'code') return renderCode(cell);
    if (cell.cell_type === 'raw') return '';
    return `<section>${anchorHeadings(renderMarkdown(cell.source), headingsByCell[i] ?? [])}</section>`;
  });
  const policy =
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    '<input type="checkbox" id="code-off"><label for="code-off">hide code</label>',
    renderContents(headings),
    `<main><p class="facts">${facts.map(escapeHtml).join(' · ')}</p>${body.join('\n')}</main>`,
    isInteractive ? `<script>${plotly()}</script><script>${DRAW_FIGURES}</script>` : '',
    '</body></html>\n',
  ].join('\n');
}

/** Writes under another name first, so that a report that exists is whole. */
export function writeReport(path: string, notebook: Notebook, options: ReportOptions = {}): void {
  writeFileSync(`${path}.incomplete`, reportHtml(notebook, options));
  renameSync(`${path}.incomplete`, path);
}

function renderCode({ source, outputs, execution_count }: CodeCell): string {
  const shown = outputs.map((output) => `<div class="output">${renderOutput(output)}</div>`);
  const count = execution_count ?? ' ';
  return `<section class="cell"><pre class="code" data-count="${count}">${highlight(source)}</pre>${shown.join('')}</section>`;
}

/** A heading that comes again is told from the first by a number: a link leads to one place. */
function withOwnIds(cells: readonly (readonly Heading[])[]): Heading[][] {
  const used = new Set<string>();
  const own = (id: string, n = 1): string => {
    const wanted = n === 1 ? id : `${id}-${n}`;
    if (used.has(wanted)) return own(id, n + 1);
    used.add(wanted);
    return wanted;
  };
  return cells.map((headings) => headings.map((heading) => ({ ...heading, id: own(heading.id) })));
}

function renderContents(headings: readonly Heading[]): string {
  const links = headings
    .filter(({ level }) => level === 2)
    .map(({ id, text }) => `<a href="#${escapeHtml(id)}">${escapeHtml(text)}</a>`);
  return `<nav aria-label="Contents">${links.join('')}</nav>`;
}

/** The library's text, which must not end the script element it is put in. */
function plotly(): string {
  const file = require.resolve('plotly.js/plotly.min.js');
  return readFileSync(file, 'utf8').replaceAll('</script', '<\\/script');
}
