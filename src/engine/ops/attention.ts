import { fused } from '../backend';
import { record, recording } from '../tape';
import { type Tensor, tensor } from '../tensor';
import { bool, callAll, int, typeOf } from './call';
import { cast, forMatrixWork, widened } from './cast';
import { softmax } from './reduce';

export interface AttentionOptions {
  readonly heads: number;
  /** `causal`: position i sees keys 0…i only. */
  readonly mask?: 'causal' | undefined;
}

/**
 * softmax(q kᵀ / √D) v for each head (Vaswani et al. 2017, eq. 1). `q`: [B, S, heads·D], `k`, `v`:
 * [B, L, heads·D] → [B, S, heads·D]. The fused kernel never stores the S × L scores.
 */
export function attention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AttentionOptions,
): Tensor {
  const [q, k, v] = [queries, keys, values].map(forMatrixWork) as [Tensor, Tensor, Tensor];
  const width = q.shape[2] ?? 0;
  const fits = [k, v].every((t) => t.rank === 3 && t.shape[0] === q.shape[0]);
  if (q.rank !== 3 || !fits || k.shape.join() !== v.shape.join() || k.shape[2] !== width)
    throw new RangeError(`attention of q [${q.shape}], k [${k.shape}], v [${v.shape}].`);
  if (width % options.heads !== 0)
    throw new RangeError(`${options.heads} heads do not divide the ${width} channels of q.`);
  return fused() ? fusedAttention(q, k, v, options) : plainAttention(q, k, v, options);
}

function fusedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { heads, mask }: AttentionOptions,
): Tensor {
  const attributes = { ...typeOf(q), heads: int(heads), causal: bool(mask === 'causal') };
  const [y, logSumExp] = callAll('DpoAttention', attributes, [q, k, v], 2);
  if (!y || !logSumExp) throw new Error('DpoAttention returned nothing.');
  record([q, k, v], [y], [q, k, v, y, logSumExp], ([dy]) =>
    callAll('DpoAttentionGrad', attributes, [dy as Tensor, q, k, v, y, logSumExp], 3),
  );
  if (!recording()) logSumExp.dispose();
  return y;
}

function plainAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { heads, mask }: AttentionOptions,
): Tensor {
  const [B = 0, S = 0, width = 0] = q.shape;
  const D = width / heads;
  const byHead = (t: Tensor) => t.reshape([B, t.shape[1] ?? 0, heads, D]).transpose([0, 2, 1, 3]); // [B, heads, ·, D]
  const products = byHead(q).matmul(byHead(k), { transposeB: true }); // [B, heads, S, L]
  const scores = widened(products).mul(1 / Math.sqrt(D));
  const visible = mask === 'causal' ? scores.add(causalMask(S, k.shape[1] ?? 0)) : scores;
  const weights = cast(softmax(visible), v.dtype);
  return weights.matmul(byHead(v)).transpose([0, 2, 1, 3]).reshape([B, S, width]);
}

/** [S, L]: 0 where key j ≤ position i, −∞ after it. */
function causalMask(S: number, L: number): Tensor {
  const mask = new Float32Array(S * L);
  for (let i = 0; i < S; i++) mask.fill(Number.NEGATIVE_INFINITY, i * L + i + 1, (i + 1) * L);
  return tensor(mask, [S, L]);
}
