// B pictures, h × w latent positions, C channels
import { type Tensor, tensor } from '../engine';
import type { TorchGenerator } from '../random';

/** One generator for all pictures, drawn in their order, or one for each. */
export type Generators = TorchGenerator | readonly TorchGenerator[];

/**
 * `torch.randn((B, C, h, w))`, or one such draw for each picture's own generator: standard normal
 * latents, drawn in PyTorch's order of memory and laid out in ours.
 *
 * @param shape [B, h, w, C], also the shape of the result
 * @throws RangeError if there is neither one generator nor one for each picture
 */
export function randnLatents(
  generators: Generators,
  [B, h, w, C]: readonly [number, number, number, number],
): Tensor {
  const list = Array.isArray(generators) ? generators : [generators];
  if (list.length !== 1 && list.length !== B)
    throw new RangeError(`${list.length} generators were given for ${B} pictures.`);
  const each = (B * C * h * w) / list.length;
  const drawn = list.map((generator: TorchGenerator) => generator.randn(each));
  return tensor(channelsLast(drawn, [B, C, h, w]), [B, h, w, C]);
}

/** The same numbers in the order B, h, w, C; `parts` hold them in the order B, C, h, w, one after the other. */
function channelsLast(
  parts: readonly Float32Array[],
  [B, C, h, w]: readonly [number, number, number, number],
) {
  const positions = h * w;
  const out = new Float32Array(B * positions * C);
  let i = 0;
  for (const part of parts)
    for (const value of part) {
      const b = Math.floor(i / (C * positions));
      const c = Math.floor(i / positions) % C;
      out[(b * positions + (i % positions)) * C + c] = value;
      i++;
    }
  return out;
}
