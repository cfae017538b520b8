const f32 = Math.fround;
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const LOW_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1; // by endianness

/**
 * a·b + c rounded once to float32, for float32 arguments. The product is exact in double, so only a double sum that
 * lies exactly half-way between two float32 can round wrongly; there the sum's own error (Knuth's two-sum) decides.
 */
export function fma32(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  double[0] = sum;
  if (((words[LOW_WORD] as number) & 0x1fffffff) !== 0x10000000) return f32(sum);
  const shifted = sum - product;
  const error = product - (sum - shifted) + (c - shifted);
  return f32(error === 0 ? sum : sum + Math.sign(error) * Math.abs(sum) * Number.EPSILON);
}
