/** What is in a tensor, at a glance: shape, type, range, mean, and the numbers of a small one. */
import { Tensor } from '../engine';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { type TableRow, table } from './table';
import { formatNumber } from './text';

const FEW = 8;

/** Numbers of one tensor, [any shape], as a row of a table. */
export function tensorRow(tensor: Tensor): TableRow {
  const values = tensor.dataSync();
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  const few = values.length <= FEW ? Array.from(values, (v) => formatNumber(v, 6)).join(', ') : '…';
  const hasRange = values.length > 1;
  return {
    shape: `[${tensor.shape.join(', ')}]`,
    dtype: tensor.dtype,
    min: hasRange ? min : undefined,
    mean: hasRange ? sum / values.length : undefined,
    max: hasRange ? max : undefined,
    values: few,
  };
}

/** A table of named tensors. The numbers are read now, so the tensors may be disposed after. */
export function tensorTable(
  tensors: { readonly [name: string]: Tensor },
  options: { readonly title?: string } = {},
): Displayable {
  const rows = Object.entries(tensors).map(([name, tensor]) => ({ name, ...tensorRow(tensor) }));
  return table(rows, options);
}

/** A tensor as the last value of a cell shows itself like a row of `tensorTable`. */
Object.defineProperty(Tensor.prototype, DISPLAY, {
  configurable: true,
  value(this: Tensor): MimeBundle | Promise<MimeBundle> {
    if (this.isDisposed) return { 'text/plain': `Tensor [${this.shape.join(', ')}], disposed` };
    return table([tensorRow(this)])[DISPLAY]();
  },
});
