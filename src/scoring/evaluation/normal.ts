/** The standard normal distribution, as an interval's bias correction needs it. */

/** Φ(x) to 1e-15: Φ = ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …). Marsaglia 2004, "Evaluating the normal distribution". */
export function normalCdf(x: number): number {
  if (Math.abs(x) > 8.5) return x > 0 ? 1 : 0; // what is left has no digit of a double
  let [sum, term] = [x, x];
  for (let i = 3, last = Number.NaN; sum !== last; i += 2) {
    last = sum;
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + sum * density(x);
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/**
 * Φ⁻¹(p), by Newton's steps from the middle: left of it Φ is convex, and none steps beyond the root.
 * @throws RangeError for a p outside of 1e-7 … 1 − 1e-7, where Φ has too few digits
 */
export function normalQuantile(p: number): number {
  if (!(p >= 1e-7 && p <= 1 - 1e-7)) throw new RangeError(`A quantile of ${p} is not computed.`);
  if (p > 0.5) return -normalQuantile(1 - p);
  let x = 0;
  for (let step = 0; step < 60; step++) x -= (normalCdf(x) - p) / density(x);
  return x;
}
