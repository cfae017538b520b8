/** What is in a tensor, at a glance: shape, type, range, mean, and the numbers of a small one. */
import type { Tensor } from '../engine';
import type { Displayable } from './notebook';
import { type TableRow, table } from './table';
import { tensorStats } from './tensor-stats';
import { formatNumber } from './text';

const FEW = 8;

/** Numbers of one tensor, [any shape], as a row of a table. */
export function tensorRow(tensor: Tensor): TableRow {
  const { nan, infinite, finite } = tensorStats(tensor);
  const few =
    tensor.size <= FEW ? Array.from(tensor.dataSync(), (v) => formatNumber(v, 6)).join(', ') : '…';
  const { min, mean, max } = (tensor.size > 1 ? finite : undefined) ?? {};
  return {
    shape: `[${tensor.shape.join(', ')}]`,
    dtype: tensor.dtype,
    ...{ min, mean, max },
    ...(nan + infinite > 0 ? { 'not finite': nan + infinite } : {}),
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
