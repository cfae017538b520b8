/** `sin(0.7 n + phase)` for n = 0, 1, …: inputs that a fixture script makes again by the same formula. */
export function wave(shape: readonly number[], phase: number): Float32Array {
  const size = shape.reduce((n, d) => n * d, 1);
  return Float32Array.from({ length: size }, (_, n) => Math.sin(n * 0.7 + phase));
}

/** A row-major [N, C, H, W] array in [N, H, W, C] order. */
export function channelsLast(data: Float32Array, shape: readonly number[]): Float32Array {
  const [N = 0, C = 0, H = 0, W = 0] = shape;
  const out = new Float32Array(data.length);
  let at = 0;
  for (let n = 0; n < N; n++)
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++)
        for (let c = 0; c < C; c++) out[at++] = data[((n * C + c) * H + y) * W + x] ?? Number.NaN;
  return out;
}
