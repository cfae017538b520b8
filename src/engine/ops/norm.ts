import { fused } from '../backend';
import { record, recording } from '../tape';
import type { Tensor } from '../tensor';
import { absent, bool, call, callAll, float, int, typeOf } from './call';
import { cast, widened } from './cast';
import { silu } from './elementwise';
import { gradientsInto } from './matmul';

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** Applied after the norm in the same pass. */
  readonly activation?: 'silu' | undefined;
  /** [B, C], added to every position before the norm (the time embedding of a residual block). */
  readonly shift?: Tensor | undefined;
}

/**
 * Group norm (Wu and He 2018) over the last axis. `x`: [B, .., C], `scale`, `offset`: [C]. Statistics are float32; the
 * result has the type of `x`.
 */
export function groupNorm(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  options: GroupNormOptions,
): Tensor {
  const channels = x.shape[x.rank - 1] ?? 0;
  if (channels % options.groups !== 0 || scale.size !== channels)
    throw new RangeError(
      `groupNorm of [${x.shape}] with ${scale.size} scales and ${options.groups} groups.`,
    );
  const shift = options.shift && widened(options.shift);
  return fused()
    ? fusedGroupNorm(x, scale, offset, { ...options, shift })
    : cast(plainGroupNorm(widened(x), scale, offset, { ...options, shift }), x.dtype);
}

function fusedGroupNorm(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  { groups, epsilon, activation, shift }: GroupNormOptions,
): Tensor {
  const shared = { ...typeOf(x), groups: int(groups), silu: bool(activation === 'silu') };
  const inputs = [x, scale, offset, shift ?? absent()];
  const [y, stats] = callAll('DpoGroupNorm', { ...shared, epsilon: float(epsilon) }, inputs, 2);
  if (!y || !stats) throw new Error('DpoGroupNorm returned nothing.');
  const saved = [x, scale, offset, stats, ...(shift ? [shift] : [])];
  record([x, scale, offset, shift], [y], saved, ([dy]) => {
    let grads: Tensor[] = [];
    const weights = gradientsInto([scale, offset], (...into) => {
      grads = callAll('DpoGroupNormGradInto', shared, [dy as Tensor, ...inputs, stats, ...into], 2);
    });
    const [dx, dshift] = grads;
    return [dx, ...weights, dshift];
  });
  if (!recording()) stats.dispose();
  return y;
}

function plainGroupNorm(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  { groups, epsilon, activation, shift }: GroupNormOptions,
): Tensor {
  const B = x.shape[0] ?? 0;
  const C = scale.size;
  const rows = x.reshape([B, -1, C]);
  const shifted = shift ? rows.add(shift.expandDims(1)) : rows;
  const grouped = shifted.reshape([B, -1, groups, C / groups]);
  const centred = grouped.sub(grouped.mean([1, 3], { keepDims: true }));
  const variance = centred.square().mean([1, 3], { keepDims: true });
  const normal = centred.div(variance.add(epsilon).sqrt()).reshape(x.shape);
  const y = normal.mul(scale).add(offset);
  return activation === 'silu' ? silu(y) : y;
}

export interface LayerNormOptions {
  readonly epsilon: number;
}

/** Layer norm (Ba et al. 2016) over the last axis. `x`: [.., C], `scale`, `offset`: [C]. */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  { epsilon }: LayerNormOptions,
): Tensor {
  if (x.shape[x.rank - 1] !== scale.size)
    throw new RangeError(`layerNorm of [${x.shape}] with ${scale.size} scales.`);
  if (!fused()) return cast(plainLayerNorm(widened(x), scale, offset, epsilon), x.dtype);
  const attributes = { ...typeOf(x), epsilon: float(epsilon) };
  const [y, stats] = callAll('DpoLayerNorm', attributes, [x, scale, offset], 2);
  if (!y || !stats) throw new Error('DpoLayerNorm returned nothing.');
  record([x, scale, offset], [y], [x, scale, stats], ([dy]) => {
    let dx: Tensor | undefined;
    const weights = gradientsInto([scale, offset], (...into) => {
      dx = call('DpoLayerNormGradInto', typeOf(x), [dy as Tensor, x, scale, stats, ...into]);
    });
    return [dx, ...weights];
  });
  if (!recording()) stats.dispose();
  return y;
}

function plainLayerNorm(x: Tensor, scale: Tensor, offset: Tensor, epsilon: number): Tensor {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  const variance = centred.square().mean(-1, { keepDims: true });
  return centred.div(variance.add(epsilon).sqrt()).mul(scale).add(offset);
}
