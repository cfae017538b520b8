// float16 and bfloat16 ↔ float32, on bit patterns, so that infinities, subnormals and NaN payloads come through.

const F32_INFINITY = 0x7f800000;

/** Widens float16 bits to float32; exact. @param into at least as long; what is returned is its beginning */
export function float16ToFloat32(
  halves: Uint16Array,
  into: Float32Array = new Float32Array(halves.length),
): Float32Array {
  table ??= float16Table();
  const bits = new Uint32Array(into.buffer, into.byteOffset, halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i] as number] as number;
  return into.subarray(0, halves.length);
}

/** Rounds float32 to float16 bits, to nearest with ties to even; beyond 65504 to infinity, as PyTorch's `.half()`. */
export function float32ToFloat16(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) halves[i] = roundToFloat16(bits[i] as number);
  return halves;
}

/** Widens bfloat16 bits to float32; exact. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** Rounds float32 to bfloat16 bits, to nearest with ties to even. */
export function float32ToBfloat16(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < halves.length; i++) {
    const x = bits[i] as number;
    const unordered = (x & 0x7fffffff) > F32_INFINITY;
    const even = (x >>> 16) & 1;
    halves[i] = unordered ? keptNaN(x >>> 16, x & 0x7f0000, 0x40) : (x + 0x7fff + even) >>> 16;
  }
  return halves;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);
const HALF_BITS = 0x3f000000; // of 0.5: one float32 step above it is 2^-24, float16's smallest step

function roundToFloat16(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > F32_INFINITY) {
    return keptNaN(sign | 0x7c00 | ((x >>> 13) & 0x3ff), x & 0x7fe000, 0x200);
  }
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  if (magnitude >= 0x38800000) {
    const rebased = magnitude - 0x38000000; // exponent bias 127 → 15
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  floatBits[0] = magnitude; // subnormal in float16: let the float32 addition do the rounding
  float[0] = (float[0] as number) + 0.5;
  return sign | ((floatBits[0] as number) - HALF_BITS);
}

/** A NaN cut short stays one: `quiet` is set where no bit of its payload is left. */
const keptNaN = (bits: number, payload: number, quiet: number) => (payload ? bits : bits | quiet);

let table: Uint32Array | undefined;

function float16Table(): Uint32Array {
  return Uint32Array.from({ length: 65536 }, (_, half) => {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) return sign | F32_INFINITY | (fraction << 13);
    if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
    float[0] = fraction * 2 ** -24;
    return sign | (floatBits[0] as number);
  });
}
