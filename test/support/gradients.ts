import assert from 'node:assert/strict';
import { type Parameters, tensor, tidy } from '../../src/engine';

/** Puts a gradient where a backward pass would. */
export function addGradient(weights: Parameters, name: string, gradient: Float32Array): void {
  const weight = weights.tensor(name);
  const { sink } = weight;
  assert.ok(sink);
  tidy(() => sink.accumulate(tensor(gradient, weight.shape)));
}

/** PyTorch's [out, in, kH, kW] in our order [kH, kW, in, out]; anything else as it is. */
export function ourLayout(data: ArrayLike<number>, torchShape: readonly number[]): Float32Array {
  if (torchShape.length !== 4) return Float32Array.from(data);
  const [O = 0, I = 0, kH = 0, kW = 0] = torchShape;
  const ours = new Float32Array(data.length);
  let at = 0;
  for (let k = 0; k < kH * kW; k++)
    for (let i = 0; i < I; i++)
      for (let o = 0; o < O; o++) ours[at++] = data[(o * I + i) * kH * kW + k] ?? Number.NaN;
  return ours;
}

export const ourShape = (torchShape: readonly number[]): readonly number[] => {
  const [O = 0, I = 0, kH = 0, kW = 0] = torchShape;
  return torchShape.length === 4 ? [kH, kW, I, O] : torchShape;
};
