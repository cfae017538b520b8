// Standard normals as PyTorch's vectorised CPU kernel rounds them: Box–Muller in float32, with the single-precision
// polynomials of the Cephes library (Moshier, 1992; `logf.c`, `sincosf.c`) and every multiply-add fused.
// Source of the order of operations: ATen/native/cpu/DistributionTemplates.h and avx_mathfun.h.

import { fma32 } from './fma32';

const f32 = Math.fround;
const BLOCK = 16; // uniforms that become normals together: 8 radii, then 8 angles

/**
 * Turns float32 uniforms in [0, 1) into standard normals in place, 16 at a time.
 * @param draw redraws a uniform: a length that is no multiple of 16 gets 16 new ones for its last 16 places.
 */
export function normalsFromUniforms(x: Float32Array, draw: () => number): void {
  for (let start = 0; start + BLOCK <= x.length; start += BLOCK) boxMullerBlock(x, start);
  if (x.length % BLOCK === 0) return;
  const start = x.length - BLOCK;
  for (let i = start; i < x.length; i++) x[i] = draw();
  boxMullerBlock(x, start);
}

function boxMullerBlock(x: Float32Array, start: number): void {
  for (let j = start; j < start + BLOCK / 2; j++) {
    const u1 = f32(1 - (x[j] as number)); // in (0, 1]: the logarithm is finite
    const u2 = x[j + BLOCK / 2] as number;
    const radius = f32(Math.sqrt(f32(-2 * log32(u1))));
    sinCos32(f32(TWO_PI * u2));
    x[j] = radius * cosine;
    x[j + BLOCK / 2] = radius * sine;
  }
}

const TWO_PI = f32(2 * Math.PI);

const scratch = new DataView(new ArrayBuffer(4));

const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f32);
const SQRT_HALF = f32(Math.SQRT1_2);
const LN2_LOW = f32(-2.1219444e-4); // ln 2 = 0.693359375 − 2.12194440e-4
const LN2_HIGH = 0.693359375;

/** Natural logarithm of a normal float32 in (0, 1]. */
function log32(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  let e = (bits >>> 23) - 126;
  scratch.setUint32(0, (bits & 0x007fffff) | 0x3f000000); // the mantissa, in [½, 1)
  let x = scratch.getFloat32(0);
  if (x < SQRT_HALF) {
    e -= 1;
    x = f32(x + x - 1);
  } else {
    x = f32(x - 1);
  }
  const z = f32(x * x);
  const y = f32(horner(LOG, x) * x);
  let tail = fma32(y, z, f32(e * LN2_LOW));
  tail = fma32(-z, 0.5, tail);
  return fma32(e, LN2_HIGH, f32(x + tail));
}

const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(f32);
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(f32);
const FOUR_OVER_PI = f32(1.27323954473516);
const PI_OVER_4 = [-0.78515625, -2.4187564849853516e-4, -3.774894977445941e-8].map(f32);

let sine = 0;
let cosine = 0;

/** Leaves sin and cos of a float32 angle in [0, 2π) in `sine` and `cosine`. */
function sinCos32(theta: number): void {
  const octant = (Math.trunc(f32(theta * FOUR_OVER_PI)) + 1) & ~1;
  let x = theta;
  for (const part of PI_OVER_4) x = fma32(octant, part, x);
  const z = f32(x * x);
  const c = f32(fma32(f32(horner(COS, z) * z), z, -f32(z * 0.5)) + 1);
  const s = fma32(f32(horner(SIN, z) * z), x, x);
  const swapped = (octant & 2) !== 0;
  sine = (octant & 4 ? -1 : 1) * (swapped ? c : s);
  cosine = ((octant - 2) & 4 ? 1 : -1) * (swapped ? s : c);
}

function horner(coefficients: readonly number[], x: number): number {
  let y = coefficients[0] as number;
  for (let i = 1; i < coefficients.length; i++) y = fma32(y, x, coefficients[i] as number);
  return y;
}
