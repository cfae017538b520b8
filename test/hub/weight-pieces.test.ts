import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { WeightShape } from '../../src/engine';
import type { FileDType } from '../../src/hub/dtypes';
import { openSafetensors } from '../../src/hub/safetensors-reader';
import { writeSafetensors } from '../../src/hub/safetensors-writer';
import { readPieces } from '../../src/hub/weight-pieces';
import { inTemporaryFolder } from '../support/temporary';

/** PyTorch's shapes: a matrix, a convolution, a vector. */
const WEIGHTS: readonly WeightShape[] = [
  ['matrix', [50, 7]],
  ['convolution', [40, 2, 3, 3]],
  ['vector', [90]],
];
const LIMIT = 100;
const size = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/** Small whole numbers and halves, which every type of floats holds. */
const values = (seed: number, shape: readonly number[]) =>
  Float32Array.from({ length: size(shape) }, (_, i) => (((i * 31 + seed) % 101) - 50) / 2);

/** Reads all pieces as somebody does who works on each for a while. */
async function pieces(folder: string, dtype: FileDType) {
  const path = join(folder, `${dtype}.safetensors`);
  const tensors = WEIGHTS.map(([name, shape], i) => {
    const data = values(i, shape);
    return { name, dtype, shape, data: dtype === 'F64' ? Float64Array.from(data) : data };
  });
  await writeSafetensors(path, tensors);
  const file = await openSafetensors(path);
  const sources = WEIGHTS.map((weight) => [weight, { file, name: weight[0] }] as const);
  const numbers = new Map<string, number[]>();
  const rooms = new Set<ArrayBufferLike>();
  let largest = 0;
  for await (const { name, piece } of readPieces(sources, LIMIT)) {
    await new Promise((resolve) => setTimeout(resolve, 2)); // the next is read meanwhile
    const { data } = piece;
    rooms.add(data.buffer);
    largest = Math.max(largest, data.length);
    const found = numbers.get(name) ?? [];
    const floats = data instanceof Uint16Array ? widened(data) : data;
    numbers.set(name, [...found, ...floats]);
  }
  await file.close();
  return { numbers, rooms: rooms.size, largest };
}

/** bfloat16's bits are the upper half of a float32's. */
const widened = (bits: Uint16Array) =>
  new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);

describe('readPieces', () => {
  for (const dtype of ['F32', 'F16', 'BF16', 'F64'] as const)
    it(`gives all numbers in order, each piece as long as nobody asks for the next: ${dtype}`, () =>
      inTemporaryFolder(async (folder) => {
        const { numbers, largest } = await pieces(folder, dtype);
        for (const [i, [name, shape]] of WEIGHTS.entries())
          assert.deepEqual(numbers.get(name), [...values(i, shape)], name);
        // sixteen outputs of the convolution, whose 18 numbers each are more than the limit
        assert.equal(largest, 16 * 18);
      }));

  for (const dtype of ['F32', 'F16', 'BF16'] as const)
    it(`has room for two pieces, whatever the number of weights: ${dtype}`, () =>
      inTemporaryFolder(async (folder) => {
        assert.equal((await pieces(folder, dtype)).rooms, 2);
      }));
});
