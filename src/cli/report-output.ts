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
  const alt = escapeHtml(String(data['text/plain'] ?? ''));
  const url = pictureUrl(data);
  const picture = url === undefined ? undefined : `<img src="${url}" alt="${alt || 'picture'}">`;
  if (data[PLOTLY] !== undefined) {
    const figure = escapeHtml(JSON.stringify(data[PLOTLY]));
    return `<div class="figure" role="img" aria-label="${alt || 'figure'}" data-figure="${figure}">${picture ?? ''}</div>`;
  }
  if (typeof data['text/html'] === 'string') return sanitizeHtml(data['text/html']);
  return picture ?? `<pre class="stdout">${alt}</pre>`;
}

/** The picture in a URL. An SVG is drawn as a picture too, in which a browser runs no script and asks for no file. */
function pictureUrl(data: Json): string | undefined {
  for (const type of ['png', 'jpeg']) {
    const base64 = data[`image/${type}`];
    if (typeof base64 === 'string') return `data:image/${type};base64,${base64.replace(/\s/g, '')}`;
  }
  const svg = data['image/svg+xml'];
  if (typeof svg !== 'string') return undefined;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/** Whether a notebook's report needs plotly at all. */
export function hasFigure(outputs: readonly CellOutput[]): boolean {
  return outputs.some((output) => 'data' in output && output.data[PLOTLY] !== undefined);
}
