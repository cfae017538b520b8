/** Several sets of weights in one safetensors file, in our own layout: for checkpoints of a making. */

import type { Parameters } from '../../engine';
import { openSafetensors, writeSafetensors } from '../../hub';

/** Weights by the name of their set. */
export type WeightSets = Readonly<Record<string, Parameters>>;

const key = (set: string, name: string) => `${set}:${name}`;

/** Writes all sets, and a count of steps beside them. */
export async function writeWeightSets(path: string, sets: WeightSets, steps: number) {
  const tensors = Object.entries(sets).flatMap(([set, weights]) =>
    weights.names.map((name) => ({
      name: key(set, name),
      dtype: 'F32' as const,
      shape: weights.shape(name),
      data: () => weights.read(name),
    })),
  );
  const counter = { name: 'steps', dtype: 'I32', shape: [], data: Int32Array.of(steps) } as const;
  await writeSafetensors(path, [...tensors, counter], { checksum: 'sha256' });
}

/** Reads all sets back in place and returns the count of steps. */
export async function readWeightSets(path: string, sets: WeightSets): Promise<number> {
  const file = await openSafetensors(path);
  try {
    for (const [set, weights] of Object.entries(sets))
      for (const name of weights.names)
        weights.write(name, (await file.read(key(set, name))) as Float32Array);
    return Number((await file.read('steps'))[0]);
  } finally {
    await file.close();
  }
}
