/** The quantile function of symmetric beta distributions. */

/** ln Γ by Stirling's series, after the recurrence has raised the argument beyond 12. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 12; z++) shift += Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** I_x(a, a) for x ≤ ½, by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated from its end. */
function lowerHalf(x: number, a: number): number {
  let fraction = 1;
  for (let m = 60; m > 0; m--) {
    const even = (m * (a - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m - 1) * (2 * a + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    fraction = 1 + odd / (1 + even / fraction);
  }
  const front = a * (Math.log(x) + Math.log1p(-x)) + logGamma(2 * a) - 2 * logGamma(a);
  return Math.exp(front) / (a * fraction);
}

/**
 * The x with probability `p` below it under Beta(a, a), to 13 digits; scipy's `beta.ppf(p, a, a)`. Found by bisection,
 * which has no bad starts.
 */
export function betaQuantile(p: number, a: number): number {
  if (p <= 0) return 0;
  if (p > 0.5) return 1 - betaQuantile(1 - p, a);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (lowerHalf(middle, a) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
