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
  if (shape.length !== 4) return data;
  const result = new Float32Array(data.length);
  eachElement(shape, (torch, engine) => {
    result[engine] = data[torch] as number;
  });
  return result;
}

/** A weight's elements as PyTorch orders them. @param shape PyTorch's */
export function toTorchLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return data;
  const result = new Float32Array(data.length);
  eachElement(shape, (torch, engine) => {
    result[torch] = data[engine] as number;
  });
  return result;
}

const TILE = 16; // outputs handled together, so that neither side strides through memory alone

/** Calls `copy` with an element's place in both orders; inlined by the compiler. */
function eachElement(shape: readonly number[], copy: (torch: number, engine: number) => void) {
  const [O = 1, I = 1, H = 1, W = 1] = shape;
  const taps = H * W;
  for (let tile = 0; tile < O; tile += TILE) {
    const end = Math.min(tile + TILE, O);
    for (let i = 0; i < I; i++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let o = tile; o < end; o++) copy((o * I + i) * taps + tap, (tap * I + i) * O + o);
      }
    }
  }
}
