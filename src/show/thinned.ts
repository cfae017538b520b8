/** Curves with no more points than can be seen. */

/** Points kept of a curve at most. */
const MOST = 1500;

/**
 * Of each stretch of a curve its lowest and its highest point, and one that breaks the line where there is such; the
 * curve looks the same (Jugel et al. 2014, M4). Short curves are given back as they are.
 */
export function thinned(
  x: readonly number[],
  y: readonly number[],
  most = MOST,
): { readonly x: readonly number[]; readonly y: readonly number[] } {
  if (y.length <= most) return { x, y };
  const stretches = Math.floor((most - 2) / 3);
  const kept = new Set([0, y.length - 1]);
  for (let k = 0; k < stretches; k++) {
    const [from, to] = [k, k + 1].map((n) => Math.floor((n * y.length) / stretches)) as [
      number,
      number,
    ];
    for (const i of landmarks(y, from, to)) kept.add(i);
  }
  const at = [...kept].sort((a, b) => a - b);
  return { x: at.map((i) => x[i] as number), y: at.map((i) => y[i] as number) };
}

function landmarks(y: readonly number[], from: number, to: number): number[] {
  let [lowest, highest, broken] = [-1, -1, -1];
  for (let i = from; i < to; i++) {
    const value = y[i] as number;
    if (!Number.isFinite(value)) broken = i;
    else {
      if (lowest < 0 || value < (y[lowest] as number)) lowest = i;
      if (highest < 0 || value > (y[highest] as number)) highest = i;
    }
  }
  return [lowest, highest, broken].filter((i) => i >= 0);
}
