/** Look of a report, and the few lines that bring its figures to life. */

export const STYLE = `
:root { color-scheme: light; --ink: #1f2328; --faint: #656d76; --line: #d8dee4; --code: #f6f8fa; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 16px; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 900px; margin: 0 auto; padding: 24px 24px 96px; }
h1 { font-size: 2em; line-height: 1.2; } h2 { margin-top: 2.2em; border-bottom: 1px solid var(--line); }
a { color: #0550ae; } p, li { max-width: 75ch; } section { margin: 0 0 12px; overflow-x: auto; }
.facts { color: var(--faint); font-size: 14px; max-width: none; }
pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin: 0; overflow-x: auto; }
p code, li code { background: var(--code); padding: 1px 4px; border-radius: 4px; font-size: 0.88em; }
.code { background: var(--code); border-radius: 6px; padding: 10px 14px; border-left: 3px solid var(--line); }
.comment { color: #59636e; } .string { color: #0a3069; } .number { color: #0550ae; } .keyword { color: #a40e26; }
.output { margin: 8px 0 4px; padding-left: 17px; overflow-x: auto; }
.output pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.stderr { color: #7d4e00; } .error { color: #a40e26; background: #fff0ee; padding: 10px; border-radius: 6px; }
.output table, section table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px; border-bottom: 1px solid var(--line); } th { font-weight: 600; }
img { image-rendering: pixelated; max-width: 100%; } figcaption, small { font-size: 13px; line-height: 1.35; }
.figure img { image-rendering: auto; } .figure .still { display: none; } math { font-size: 1.05em; } math[display="block"] { margin: 12px 0; }
nav { display: none; }
label { position: fixed; right: 16px; top: 12px; font-size: 13px; color: var(--faint); cursor: pointer; z-index: 2; }
#code-off { position: fixed; right: 84px; top: 16px; z-index: 2; }
#code-off:checked ~ main .code { display: none; }
@media (min-width: 1240px) {
  nav { display: flex; flex-direction: column; gap: 6px; position: fixed; left: 16px; top: 48px; width: 220px; font-size: 13px; line-height: 1.35; }
  nav a { color: var(--faint); text-decoration: none; } nav a:hover { color: var(--ink); }
  main { margin-left: max(260px, calc(50vw - 450px)); }
}
@media print {
  @page { margin: 16mm; }
  nav, label, #code-off { display: none; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; margin: 0; }
  section, .output, pre { overflow: visible; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  h1, h2, h3, h4 { break-after: avoid; } img, .figure, figure, tr { break-inside: avoid; }
  .figure .still { display: block; } .figure .still ~ div { display: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;

/** The static picture stays where a figure cannot be drawn, and on paper, which is narrower than the figure may be. */
export const DRAW_FIGURES = `
for (const element of document.querySelectorAll('[data-figure]')) {
  const { data, layout, config } = JSON.parse(element.dataset.figure);
  const place = document.createElement('div');
  element.append(place);
  Plotly.newPlot(place, data, layout, config).then(
    () => { for (const image of element.querySelectorAll(':scope > img')) image.className = 'still'; },
    () => place.remove(),
  );
}
`;
