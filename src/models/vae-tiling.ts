// B pictures, H × W positions of what is cut, C channels
import { concat, scoped, type Tensor, tensor } from '../engine';
import { type VaeConfig, vaeScaleFactor } from './vae-config';

/** How large pictures are cut. Names and defaults are those of diffusers' `AutoencoderKL`. */
export interface TileOptions {
  /** Side of a tile in pixels; what is not larger is computed whole. @default the config's `sample_size` */
  readonly tileSampleMinSize?: number;
  /** The same in latent positions. @default what the encoder makes of `tileSampleMinSize`, rounded down */
  readonly tileLatentMinSize?: number;
  /** Share of a tile that the next one overlaps, 0 to below 1. @default 0.25 */
  readonly tileOverlapFactor?: number;
}

/** Ways to need less memory. Slices have the same numbers; tiles not quite, as norms and attention see one at a time. */
export interface VaeParts {
  /** `pictures`: one after the other. @default 'none' */
  readonly slicing?: 'none' | 'pictures' | undefined;
  /** Cuts pictures that are larger than a tile. @default none are cut */
  readonly tiling?: TileOptions | undefined;
}

/** One way of cutting; lengths on the side of what is cut, then on the side of what comes out. */
interface Cut {
  readonly size: number;
  readonly step: number;
  /** Rows, or columns, over which a tile fades in where the one before it ends. */
  readonly blend: number;
  /** What is taken of a tile: the rest is in the next. */
  readonly kept: number;
}

/** `encode` of parts of pictures, [B, H, W, C], put together. @throws RangeError for tiles that have no meaning */
export const encodeInParts = (
  config: VaeConfig,
  pixelValues: Tensor,
  { slicing, tiling }: VaeParts,
  encode: (tile: Tensor) => Tensor,
): Tensor => inParts(pixelValues, slicing, tiling && tileCuts(config, tiling).encoded, encode);

/** `decode` of parts of latents, [B, H, W, C], put together. @throws RangeError for tiles that have no meaning */
export const decodeInParts = (
  config: VaeConfig,
  latents: Tensor,
  { slicing, tiling }: VaeParts,
  decode: (tile: Tensor) => Tensor,
): Tensor => inParts(latents, slicing, tiling && tileCuts(config, tiling).decoded, decode);

/** How pictures are cut, and latents. @throws RangeError naming the option, its value and what is allowed */
export function tileCuts(config: VaeConfig, options: TileOptions) {
  const { tileSampleMinSize: sample = config.sampleSize } = options;
  const { tileLatentMinSize: latent = Math.floor(sample / vaeScaleFactor({ config })) } = options;
  const { tileOverlapFactor: overlap = 0.25 } = options;
  if (!(overlap >= 0 && overlap < 1))
    throw new RangeError(`tileOverlapFactor is ${overlap}; it must be from 0 to below 1.`);
  const sizes = { tileSampleMinSize: sample, tileLatentMinSize: latent };
  for (const [name, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || Math.floor(size * (1 - overlap)) < 1)
      throw new RangeError(
        `${name} is ${size}; it must be a whole number of which ${1 - overlap} is 1 or more.`,
      );
  const cut = (size: number, result: number): Cut => {
    const blend = Math.floor(result * overlap);
    return { size, step: Math.floor(size * (1 - overlap)), blend, kept: result - blend };
  };
  return { encoded: cut(sample, latent), decoded: cut(latent, sample) };
}

function inParts(
  x: Tensor,
  slicing: VaeParts['slicing'],
  cut: Cut | undefined,
  compute: (tile: Tensor) => Tensor,
): Tensor {
  const [B = 0, H = 0, W = 0, C = 0] = x.shape;
  const isLarge = cut !== undefined && Math.max(H, W) > cut.size;
  const run = isLarge ? (part: Tensor) => inTiles(part, cut, compute) : compute;
  if (slicing !== 'pictures' || B <= 1) return run(x);
  const pictures = Array.from({ length: B }, (_, b) => run(x.slice([b, 0, 0, 0], [1, H, W, C])));
  return concat(pictures, 0);
}

/** Upstream: diffusers `AutoencoderKL.tiled_decode` and `_tiled_encode`, which are one algorithm. */
const inTiles = scoped(
  'inTiles',
  (x: Tensor, { size, step, blend, kept }: Cut, compute: (tile: Tensor) => Tensor): Tensor => {
    const [, H = 0, W = 0] = x.shape;
    let above: readonly Tensor[] = [];
    const rows = startsOf(H, step).map((top) => {
      let left: Tensor | undefined;
      above = startsOf(W, step).map((start, j) => {
        const tile = compute(block(x, [top, start], size));
        left = faded(left, faded(above[j], tile, blend, 1), blend, 2);
        return left;
      });
      const row = above.map((tile) => block(tile, [0, 0], kept));
      return joined(row, 2);
    });
    return joined(rows, 1);
  },
);

const joined = (parts: readonly Tensor[], axis: number): Tensor =>
  parts.length === 1 ? (parts[0] as Tensor) : concat(parts, axis);

const startsOf = (length: number, step: number): number[] =>
  Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);

/** At most `size` rows and columns of all pictures, from a corner on. */
function block(x: Tensor, [top, left]: readonly [number, number], size: number): Tensor {
  const [, H = 0, W = 0] = x.shape;
  const extent = [Math.min(size, H - top), Math.min(size, W - left)];
  return x.slice([0, top, left, 0], [-1, ...extent, -1]);
}

/**
 * A tile whose first rows (axis 1) or columns (axis 2) come little by little out of the last ones of the tile `before`
 * it. Upstream: `blend_v`, `blend_h`.
 */
function faded(before: Tensor | undefined, tile: Tensor, blend: number, axis: 1 | 2): Tensor {
  const [ending = 0, length = 0] = [before?.shape[axis], tile.shape[axis]];
  const extent = Math.min(ending, length, blend);
  if (!before || extent === 0) return tile;
  const shares = Float32Array.from({ length: extent }, (_, i) => i / extent);
  const share = tensor(shares, axis === 1 ? [extent, 1, 1] : [extent, 1]);
  const fading = along(before, axis, ending - extent, extent).mul(share.neg().add(1));
  const mixed = fading.add(along(tile, axis, 0, extent).mul(share));
  if (extent === length) return mixed;
  return concat([mixed, along(tile, axis, extent, length - extent)], axis);
}

/** `count` rows (axis 1) or columns (axis 2) from `begin` on. */
function along(x: Tensor, axis: 1 | 2, begin: number, count: number): Tensor {
  return axis === 1
    ? x.slice([0, begin, 0, 0], [-1, count, -1, -1])
    : x.slice([0, 0, begin, 0], [-1, -1, count, -1]);
}
