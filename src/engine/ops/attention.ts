import { fused } from '../backend';
import { record, recording } from '../tape';
import { type Tensor, tensor, tidy } from '../tensor';
import { bool, callAll, int, typeOf } from './call';
import { cast, forMatrixWork, widened } from './cast';
import { softmax } from './reduce';
import { concat } from './shape';

/**
 * How many heads, of all rows of the batch together, are computed at once: `auto` half of those of a row, `max` one.
 * Source: diffusers' `enable_attention_slicing`, which has no half of one head.
 */
export type AttentionSlice = 'auto' | 'max' | number;

export interface AttentionOptions {
  readonly heads: number;
  /** `causal`: position i sees keys 0…i only. */
  readonly mask?: 'causal' | undefined;
  /** Only the plain composition stores scores, and needs less memory with it. @default all heads at once */
  readonly slice?: AttentionSlice | undefined;
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
  checkSlice(options);
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

function checkSlice({ slice, heads }: AttentionOptions): void {
  if (typeof slice !== 'number' || (Number.isInteger(slice) && slice >= 1 && slice <= heads))
    return;
  throw new RangeError(
    `The attention slice is ${slice}; it must be auto, max, or a whole number from 1 to the ${heads} heads.`,
  );
}

function plainAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const { heads, mask } = options;
  const [B = 0, S = 0, width = 0] = q.shape;
  const D = width / heads;
  return tidy(() => {
    const [Q, K, V] = [q, k, v].map((t) => {
      const n = t.shape[1] ?? 0;
      return t
        .reshape([B, n, heads, D])
        .transpose([0, 2, 1, 3])
        .reshape([B * heads, n, D]);
    }) as [Tensor, Tensor, Tensor];
    const atOnce = sliceSize(options, B);
    const slices = Array.from({ length: Math.ceil((B * heads) / atOnce) }, (_, i) => {
      const some = (t: Tensor) => headsFrom(t, i * atOnce, atOnce);
      return headAttention(some(Q), some(K), some(V), mask);
    });
    const [first] = slices;
    const joined = slices.length === 1 && first ? first : concat(slices, 0);
    return joined.reshape([B, heads, S, D]).transpose([0, 2, 1, 3]).reshape([B, S, width]);
  });
}

function sliceSize({ slice, heads }: AttentionOptions, B: number): number {
  if (slice === undefined) return B * heads;
  if (slice === 'auto') return Math.max(1, Math.floor(heads / 2));
  return slice === 'max' ? 1 : slice;
}

/** At most `count` heads from `begin` on, of [heads, n, D]. */
function headsFrom(t: Tensor, begin: number, count: number): Tensor {
  const [all = 0] = t.shape;
  return count >= all ? t : t.slice([begin, 0, 0], [Math.min(count, all - begin), -1, -1]);
}

/** softmax(q kᵀ / √D) v. `q`: [heads, S, D], `k`, `v`: [heads, L, D]. */
function headAttention(q: Tensor, k: Tensor, v: Tensor, mask: AttentionOptions['mask']): Tensor {
  return tidy(() => {
    const [, S = 0, D = 1] = q.shape;
    const products = q.matmul(k, { transposeB: true }); // [heads, S, L]
    const scores = widened(products).mul(1 / Math.sqrt(D));
    const visible = mask === 'causal' ? scores.add(causalMask(S, k.shape[1] ?? 0)) : scores;
    return cast(softmax(visible), v.dtype).matmul(v);
  });
}

/** [S, L]: 0 where key j ≤ position i, −∞ after it. */
function causalMask(S: number, L: number): Tensor {
  const mask = new Float32Array(S * L);
  for (let i = 0; i < S; i++) mask.fill(Number.NEGATIVE_INFINITY, i * L + i + 1, (i + 1) * L);
  return tensor(mask, [S, L]);
}
