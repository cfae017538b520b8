import { fused } from '../backend';
import { record } from '../tape';
import type { Tensor } from '../tensor';
import { absent, callAll, callTyped, typeOf } from './call';
import { cast, widened } from './cast';
import { add, gelu, mul } from './elementwise';
import { split } from './shape';

/**
 * Gated GELU (Shazeer 2020, arXiv 2002.05202): the first half times gelu of the second half.
 * `x`: [.., 2F], `bias`: [2F], added first → [.., F].
 */
export function geglu(x: Tensor, bias?: Tensor): Tensor {
  const width = x.shape[x.rank - 1] ?? 0;
  if (width % 2 !== 0) throw new RangeError(`geglu needs an even last axis, got [${x.shape}].`);
  if (!fused()) {
    const wide = widened(x);
    const [h, gate] = split(bias ? add(wide, bias) : wide, [width / 2, width / 2], -1);
    return cast(mul(h as Tensor, gelu(gate as Tensor)), x.dtype);
  }
  const offset = bias ?? absent();
  const y = callTyped('DpoGeglu', [x, offset]);
  record([x, bias], [y], [x, ...(bias ? [bias] : [])], ([dy]) =>
    callAll('DpoGegluGrad', typeOf(x), [dy as Tensor, x, offset], 2),
  );
  return y;
}
