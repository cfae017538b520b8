import { dtypeNumbers } from '../dtype';
import type { Tensor } from '../tensor';
import { bool, callAll } from './call';

/**
 * The thin singular value decomposition x = u · diag(s) · vᵀ, the largest first; it has no gradient.
 * @param x [m, n]; with k = min(m, n)
 * @returns s [k], u [m, k], v [n, k]
 */
export function svd(x: Tensor): { readonly s: Tensor; readonly u: Tensor; readonly v: Tensor } {
  const T = { type: 'dtype', value: dtypeNumbers.float32 } as const;
  const [s, u, v] = callAll(
    'Svd',
    { T, compute_uv: bool(true), full_matrices: bool(false) },
    [x],
    3,
  );
  if (!s || !u || !v) throw new Error('TensorFlow operation Svd returned less than three tensors.');
  return { s, u, v };
}
