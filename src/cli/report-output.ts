/** Outputs of cells as HTML: figures live, pictures and tables as they are, the rest as text. */
import { escapeHtml } from '../show/text';
import type { CellOutput, Json } from './notebook-file';
import { sanitizeHtml, stripAnsi } from './report-html';

const PLOTLY = 'application/vnd.plotly.v1+json';

export function renderOutput(output: CellOutput): string {
  switch (output.output_type) {
    case 'stream':
      return `<pre class="${output.name === 'stderr' ? 'stderr' : 'stdout'}">${escapeHtml(stripAnsi(output.text))}</pre>`;
    case 'error':
      return `<pre class="error">${escapeHtml(stripAnsi(output.traceback.join('\n')))}</pre>`;
    default:
      return renderData(output.data);
  }
}

/** The richest form that a page without a network can show. */
function renderData(data: Json): string {
  const plain = String(data['text/plain'] ?? '');
  const alt = escapeHtml(plain);
  const png = typeof data['image/png'] === 'string' ? data['image/png'].trim() : undefined;
  const picture = png === undefined ? '' : `<img src="data:image/png;base64,${png}" alt="${alt}">`;
  if (data[PLOTLY] !== undefined) {
    const figure = escapeHtml(JSON.stringify(data[PLOTLY]));
    return `<div class="figure" role="img" aria-label="${alt}" data-figure="${figure}">${picture}</div>`;
  }
  if (typeof data['text/html'] === 'string') return sanitizeHtml(data['text/html']);
  return png === undefined ? `<pre class="stdout">${alt}</pre>` : picture;
}

/** Whether a notebook's report needs plotly at all. */
export function hasFigure(outputs: readonly CellOutput[]): boolean {
  return outputs.some((output) => 'data' in output && output.data[PLOTLY] !== undefined);
}
