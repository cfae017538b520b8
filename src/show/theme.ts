/**
 * Parts of what is shown as HTML. Everything is styled in place and stands without scripts: JupyterLab's untrusted mode
 * and the report drop `<style>`, `<script>` and SVG, and keep the properties used here.
 */
import { escapeHtml } from './text';

/** Okabe and Ito's colours, told apart by colour-blind readers too, on white and on black. */
export const COLOURS = [
  ...['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'],
] as readonly string[];

/** Jupyter's own colours; the fallbacks can be read on white and on black. */
export const THEME = {
  faint: 'color:var(--jp-content-font-color2,#767676)',
  line: 'var(--jp-border-color2,#8888)',
  ground: 'var(--jp-layout-color2,#8882)',
  alarm: 'color:var(--jp-error-color1,#D55E00);font-weight:bold',
} as const;

/** A heading in a line of its own. */
export const heading = (text: string) => `<div><b>${escapeHtml(text)}</b></div>`;

/** A line of less importance. */
export const remark = (text: string) =>
  `<div style="${THEME.faint};font-size:90%">${escapeHtml(text)}</div>`;

/** What is folded away until it is asked for; `summary` and `body` are HTML. */
export const folded = (summary: string, body: string, state: 'open' | 'shut' = 'shut') =>
  `<details${state === 'open' ? ' open' : ''}><summary style="cursor:pointer">${summary}</summary><div style="margin-left:1.2em">${body}</div></details>`;

/** Several pieces of HTML side by side, in the next line where there is no room. */
export const row = (parts: readonly string[], gap = 14) =>
  `<div style="display:flex;flex-wrap:wrap;gap:${gap}px;align-items:flex-start">${parts.join('')}</div>`;

/** `min −1 · max 3`, the names fainter than what is said of them. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const parts = entries.map(
    ([name, value]) =>
      `<span><span style="${THEME.faint}">${escapeHtml(name)}</span> ${escapeHtml(value)}</span>`,
  );
  return row(parts);
}

export const factsText = (entries: readonly (readonly [name: string, value: string])[]) =>
  entries.map(([name, value]) => `${name} ${value}`).join(' · ');

/** A bar of a share between 0 and 1. */
export function bar(share: number, colour = COLOURS[0], width = 120): string {
  const filled = Math.round(width * Math.min(1, Math.max(0, share)));
  const box = `display:inline-block;height:9px;vertical-align:middle`;
  const full = `<span style="${box};width:${filled}px;background-color:${colour}"></span>`;
  const rest = `<span style="${box};width:${width - filled}px;background-color:${THEME.ground}"></span>`;
  return `<span style="white-space:nowrap">${full}${rest}</span>`;
}

/** Columns as high as the counts. */
export function histogramStrip(counts: readonly number[], height = 36): string {
  const most = Math.max(1, ...counts);
  const columns = counts.map((count) => {
    const tall = count === 0 ? 0 : Math.max(1, Math.round((height * count) / most));
    return `<span style="width:5px;height:${tall}px;background-color:${COLOURS[0]}"></span>`;
  });
  const frame = `display:inline-flex;align-items:flex-end;height:${height}px;border-bottom:1px solid #888888`;
  return `<span style="${frame}">${columns.join('')}</span>`;
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';

/** The same in one line of text; what is there at all is seen. */
export function histogramText(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  return counts.map((n) => BLOCKS[n === 0 ? 0 : Math.max(1, Math.round((8 * n) / most))]).join('');
}
