/** The page where pairs are labelled: as a part of a notebook's output, and as a page of its own. */
import { createHash } from 'node:crypto';
import { LABEL_SCRIPT } from './label-script';
import { escapeHtml } from './text';
import { COLOURS, THEME } from './theme';

/** Colours are Jupyter's where it has them; else those below, light or dark as the person likes. */
const STYLE = `
.dpo-label { max-width: 60rem; outline: none; font-size: 14px; line-height: 1.4; }
.dpo-label * { box-sizing: border-box; }
.dpo-label-top { display: flex; gap: 12px; align-items: center; }
.dpo-label-bar { flex: 1; height: 6px; border-radius: 3px; overflow: hidden; background: ${THEME.ground}; }
.dpo-label-bar > div { height: 100%; width: 0; background: ${COLOURS[0]}; }
.dpo-label-top small { ${THEME.faint}; white-space: nowrap; }
.dpo-label-prompt { font-size: 115%; margin: 12px 0; min-height: 1.4em; overflow-wrap: anywhere; }
.dpo-label-pair { display: flex; gap: 12px; }
.dpo-label-pair button { flex: 1 1 0; min-width: 0; max-width: 512px; padding: 6px; cursor: pointer; border-radius: 6px;
  border: 2px solid ${THEME.line}; background: none; color: inherit; font: inherit; }
.dpo-label-pair button:hover:enabled, .dpo-label-pair button:focus-visible { border-color: ${COLOURS[0]}; outline: none; }
.dpo-label-pair img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; margin-bottom: 4px; }
.dpo-label-pair img.dpo-label-small { image-rendering: pixelated; }
.dpo-label-row { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 12px; align-items: center; }
.dpo-label-row button { padding: 5px 12px; cursor: pointer; border: 1px solid ${THEME.line}; border-radius: 6px;
  background: ${THEME.ground}; color: inherit; font: inherit; }
.dpo-label button:disabled { opacity: 0.45; cursor: default; }
.dpo-label-row .dpo-label-finish { margin-left: auto; }
.dpo-label kbd { font: inherit; font-size: 90%; padding: 0 5px; margin-right: 4px; border: 1px solid ${THEME.line}; border-radius: 4px; }
.dpo-label-status { ${THEME.faint}; min-height: 1.4em; margin-top: 8px; }
.dpo-label-status.dpo-label-error { ${THEME.alarm}; }
.dpo-label[data-state=loading] img { opacity: 0.35; }
.dpo-label:not([data-skip=yes]) .dpo-label-skip { display: none; }
.dpo-label:not([data-state=asking]):not([data-state=loading]) .dpo-label-pair,
.dpo-label:not([data-state=asking]):not([data-state=loading]) .dpo-label-tie,
.dpo-label[data-state=ended] .dpo-label-row,
.dpo-label[data-state=refused] .dpo-label-row { display: none; }
@media (max-width: 480px) { .dpo-label kbd { display: none; } .dpo-label-pair { gap: 6px; } }
`;

const ALONE_STYLE = `
:root { color-scheme: light dark; --jp-content-font-color2: #595959; }
body { margin: 0 auto; padding: 24px 16px; max-width: 60rem; font-family: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --jp-content-font-color2: #aaa; } body { background: #111; color: #ddd; } }
`;

const QUESTION = 'Which picture is better?';

/** Without the script there is only the sentence that says so. */
function widget(facts: { readonly [name: string]: string }, more = ''): string {
  const data = Object.entries(facts).map(([name, value]) => `data-${name}="${escapeHtml(value)}"`);
  const side = (name: string, key: string) =>
    `<button class="dpo-label-${name}" data-choice="${name}"><img alt="the ${name} picture"><kbd>${key}</kbd>${name}</button>`;
  return `<div class="dpo-label" tabindex="0" role="group" aria-label="${QUESTION}" data-lm-suppress-shortcuts="true" data-state="new" ${data.join(' ')}>
<div class="dpo-label-top"><b>${QUESTION}</b><div class="dpo-label-bar" role="progressbar" aria-label="answered"><div></div></div><small class="dpo-label-count"></small><small class="dpo-label-who"></small></div>
<div class="dpo-label-prompt">Pairs are shown by a script. Where there is none, trust the notebook and run the cell again.</div>
<div class="dpo-label-pair">${side('left', '←')}${side('right', '→')}</div>
<div class="dpo-label-row"><button class="dpo-label-tie" data-choice="tie"><kbd>=</kbd>no difference</button><button class="dpo-label-undo" disabled><kbd>u</kbd>undo</button><button class="dpo-label-skip">pass over</button><button class="dpo-label-finish">stop here</button></div>
<div class="dpo-label-status" role="status" aria-live="polite"></div>${more}</div>`;
}

/** The part of an output: it finds the server at `base`, wherever the notebook is shown. */
export function labelOutput(facts: {
  readonly base: string;
  readonly ticket: string;
  readonly id: string;
  /** For a tab of its own. */
  readonly link: string;
}): string {
  const { link, ...rest } = facts;
  const more = `<div style="${THEME.faint};font-size:90%">Or in <a href="${escapeHtml(link)}" target="_blank" rel="noopener noreferrer">a page of its own</a>. Answers are kept one by one; ■ stops, and the cell goes on where it was.</div>`;
  return `<style>${STYLE}</style>${widget(rest, more)}<script>(() => {${LABEL_SCRIPT}\n})();</script>`;
}

/** The page of its own. It holds nothing secret: the ticket comes behind the `#` of the link. */
export const labelPage = (id: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${QUESTION}</title><style>${STYLE}${ALONE_STYLE}</style></head>
<body>${widget({ base: '.', id, alone: 'yes' })}<script>${LABEL_SCRIPT}</script></body></html>`;

const digest = createHash('sha256').update(LABEL_SCRIPT).digest('base64');

/** The page runs its own script and no other, and asks nobody but its server. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src 'sha256-${digest}'`,
  "style-src 'unsafe-inline'",
  'img-src blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
