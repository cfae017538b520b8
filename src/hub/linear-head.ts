import type { WeightShape } from '../engine';
import { linearWeights } from '../nn';
import { CheckpointError } from './checkpoint-error';
import type { TensorSource } from './tensor-source';

/** Positions of the linear layers in upstream's `Sequential`; those between are dropout, and nothing bends. */
export const HEAD_LAYERS = [0, 2, 4, 6, 7] as const;

/**
 * A head of five linear layers between which nothing bends. Its inner widths are the file's (1024, 128, 64, 16 where
 * published); it ends with 1. Upstream: `MLP` of aes_utils.py and of ImageReward.py.
 * @param width what it reads
 */
export function headWeights(
  { path, entries }: TensorSource,
  prefix: string,
  width: number,
): WeightShape[] {
  let inputs = width;
  return HEAD_LAYERS.flatMap((layer) => {
    const name = `${prefix}.${layer}`;
    const [rows = 0] = entries.get(`${name}.weight`)?.shape ?? [];
    const outputs = layer === 7 ? 1 : rows;
    if (outputs === 0) throw new CheckpointError(path, `weight "${name}.weight" is missing.`);
    const shapes = linearWeights(name, inputs, outputs);
    inputs = outputs;
    return shapes;
  });
}
