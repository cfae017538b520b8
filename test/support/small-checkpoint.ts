/** A checkpoint of a few numbers that all follow from its step. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeSafetensors } from '../../src/hub/safetensors-writer';
import type { CheckpointParts } from '../../src/training/checkpoint';
import { loadCheckpoint } from '../../src/training/resume';

const numbers = (step: number, n: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(step * 1000 + i));

/** @param size numbers in the weights file */
export function smallParts(step: number, size = 1000): CheckpointParts {
  return {
    weights: [
      {
        path: 'pytorch_lora_weights.safetensors',
        write: (path) =>
          writeSafetensors(path, [
            { name: 'w', dtype: 'F32', shape: [size], data: numbers(step, size) },
          ]),
      },
    ],
    optimizer: [
      { name: 'w.exp_avg', shape: [2, 3], data: numbers(step + 0.25, 6) },
      { name: 'w.exp_avg_sq', shape: [2, 3], data: () => numbers(step + 0.5, 6) },
    ],
    generators: { torch: { seed: '7', nextNormal: Math.cos(step) } },
    data: { permutation: [2, 0, 1], cursor: step % 3 },
    lrSchedule: { name: 'constant', step },
    trainingState: { globalStep: step },
    config: { learningRate: 1e-4, seed: 7, hubToken: 'hf_secret' },
  };
}

/** Fails unless the checkpoint holds, bit for bit, what `smallParts(step)` gave. */
export async function assertHolds(path: string, step: number, size = 1000): Promise<void> {
  const loaded = await loadCheckpoint(path);
  const parts = smallParts(step, size);
  assert.deepEqual(await loaded.generators(), parts.generators);
  assert.deepEqual(await loaded.data(), parts.data);
  assert.deepEqual(await loaded.lrSchedule(), parts.lrSchedule);
  assert.deepEqual(await loaded.trainingState(), parts.trainingState);
  const optimizer = await loaded.optimizer();
  try {
    assert.deepEqual(await optimizer.read('w.exp_avg'), numbers(step + 0.25, 6));
    assert.deepEqual(await optimizer.read('w.exp_avg_sq'), numbers(step + 0.5, 6));
  } finally {
    await optimizer.close();
  }
  assert.equal(
    loaded.weights('pytorch_lora_weights.safetensors'),
    join(path, 'pytorch_lora_weights.safetensors'),
  );
}
