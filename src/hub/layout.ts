// PyTorch keeps a convolution's weight as [O, I, kH, kW]; the engine computes with [kH, kW, I, O]. All else is the same.
// Every weight of rank 4 in the models we load is a convolution's.

/** The engine's shape of a PyTorch weight. */
export function engineShape(shape: readonly number[]): readonly number[] {
  const [O, I, H, W] = shape;
  if (O === undefined || I === undefined || H === undefined || W === undefined) return shape;
  return [H, W, I, O];
}

/** A weight's elements as the engine orders them. @param shape PyTorch's */
export function toEngineLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  return shape.length === 4 ? reordered(data, shape, 'to engine') : data;
}

/** A weight's elements as PyTorch orders them. @param shape PyTorch's */
export function toTorchLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  return shape.length === 4 ? reordered(data, shape, 'to torch') : data;
}

const TILE = 16; // outputs handled together: one cache line on the engine's side, 16 streams on PyTorch's

function reordered(
  data: Float32Array,
  [O = 1, I = 1, H = 1, W = 1]: readonly number[],
  direction: 'to engine' | 'to torch',
): Float32Array {
  const result = new Float32Array(data.length);
  const [taps, stride] = [H * W, I * H * W];
  for (let start = 0; start < O; start += TILE) {
    const end = Math.min(start + TILE, O);
    for (let column = 0; column < stride; column++) {
      const i = (column / taps) | 0;
      const row = ((column - i * taps) * I + i) * O;
      if (direction === 'to engine') {
        for (let o = start; o < end; o++) result[row + o] = data[o * stride + column] as number;
      } else {
        for (let o = start; o < end; o++) result[o * stride + column] = data[row + o] as number;
      }
    }
  }
  return result;
}
