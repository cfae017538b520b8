/** What a tensor looks like: its shape, its numbers summed up, a few of them, and the pictures in it. */
import { fromTf, Tensor, tidy } from '../engine';
import { bytesOf } from '../engine/dtype';
import { addLook } from './looks';
import type { MimeBundle } from './notebook';
import { tensorPictures } from './tensor-picture';
import { histogram, type TensorStats, tensorStats } from './tensor-stats';
import { escapeHtml, formatBytes, formatNumber } from './text';
import {
  facts,
  factsText,
  heading,
  histogramStrip,
  histogramText,
  remark,
  row,
  THEME,
} from './theme';
import { thumbnail } from './thumbnail';

/** Up to this many numbers are all shown. */
const ALL = 24;
/** Of more, so many first and last ones. */
const FEW = 5;
/** A spread of fewer numbers is seen in the numbers. */
const LEAST_FOR_HISTOGRAM = 64;

/** How a tensor is called: `Tensor` is ours, `tf.Tensor` one of tfjs. */
export type TensorKind = 'Tensor' | 'tf.Tensor';

/** The forms of a tensor that has not been disposed; it stays the caller's. */
export async function tensorBundle(x: Tensor, kind: TensorKind = 'Tensor'): Promise<MimeBundle> {
  const stats = tensorStats(x);
  const title = `${kind} [${x.shape.join(', ')}] ${x.dtype}, ${formatBytes(x.size * bytesOf(x.dtype))}`;
  const sums = summary(stats);
  const bad = notNumbers(stats);
  const counts = x.size < LEAST_FOR_HISTOGRAM ? [] : histogram(x, stats);
  const numbers = preview(x);
  const pictures = tensorPictures(x, stats);
  const shown = pictures?.images ?? [];
  const images = await Promise.all(
    shown.map((image, i) => thumbnail(image, { side: 96, alt: `picture ${i + 1}` })),
  );
  const spread = counts.some((n) => n > 0);
  const seen = pictures && `${shown.length} of ${pictures.count} pictures, ${pictures.scale}`;
  const alarm = bad === '' ? '' : `<div style="${THEME.alarm}">${bad}</div>`;
  const html = [
    heading(title),
    facts(sums) + alarm,
    spread ? `<div>${histogramStrip(counts)}</div>` : '',
    `<div><code style="background:none">${escapeHtml(numbers)}</code></div>`,
    row(images, 6),
    seen ? remark(`${seen} from black to white`) : '',
  ];
  const text = [
    title,
    [factsText(sums), bad].filter((part) => part !== '').join(' · '),
    ...(spread ? [`${histogramText(counts)} from min to max`] : []),
    numbers,
    ...(seen ? [seen] : []),
  ];
  return { 'text/html': html.join(''), 'text/plain': text.filter((line) => line).join('\n') };
}

function summary({ finite }: TensorStats): (readonly [string, string])[] {
  if (!finite) return [];
  const { min, mean, max, std } = finite;
  return Object.entries({ min, mean, max, std }).map(([name, value]) => [
    name,
    formatNumber(value),
  ]);
}

function notNumbers({ nan, infinite }: TensorStats): string {
  const parts = [
    nan > 0 ? `${formatNumber(nan)} NaN` : '',
    infinite > 0 ? `${formatNumber(infinite)} infinite` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** All numbers of a small tensor, the rows of a matrix in lines; of a large one the first and last, read alone. */
function preview(x: Tensor): string {
  const list = (values: Iterable<number>) =>
    Array.from(values, (value) => formatNumber(value, 5)).join(', ');
  if (x.size > ALL) {
    const ends = [0, x.size - FEW].map((begin) =>
      tidy(() => list(x.reshape([-1]).slice([begin], [FEW]).dataSync())),
    );
    return `[${ends.join(', …, ')}]`;
  }
  const values = Array.from(x.dataSync());
  const columns = x.shape.at(-1) ?? 1;
  if (x.rank < 2 || columns === 0) return x.rank === 0 ? list(values) : `[${list(values)}]`;
  const rows = Array.from({ length: values.length / columns }, (_, i) =>
    list(values.slice(i * columns, (i + 1) * columns)),
  );
  return `[${rows.map((line) => `[${line}]`).join(', ')}]`;
}

const disposed = (kind: TensorKind, shape: readonly number[]): MimeBundle => ({
  'text/plain': `${kind} [${shape.join(', ')}], disposed`,
});

addLook('tensor', { class: Tensor }, (x: Tensor) =>
  x.isDisposed ? disposed('Tensor', x.shape) : tensorBundle(x),
);

type TfTensor = Parameters<typeof fromTf>[0] & { readonly isDisposed: boolean };

/** `tf.Tensor` and `tf.Variable`, by what every tensor of tfjs has (tfjs-core, `tensor.ts`): several tfjs may be loaded. */
const isTf = (value: object) =>
  'dataId' in value && 'isDisposedInternal' in value && 'rankType' in value && 'dtype' in value;

const READABLE = ['float32', 'int32', 'bool'];

addLook('tf.Tensor', { is: isTf }, async (x: TfTensor) => {
  if (x.isDisposed) return disposed('tf.Tensor', x.shape);
  if (!READABLE.includes(x.dtype))
    return { 'text/plain': `tf.Tensor [${x.shape.join(', ')}] ${x.dtype}` };
  const shared = fromTf(x);
  try {
    return await tensorBundle(shared, 'tf.Tensor');
  } finally {
    shared.dispose();
  }
});
