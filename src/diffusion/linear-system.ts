/**
 * Solves A x = b by elimination with pivots; `rows` are those of A.
 *
 * @throws RangeError if A has no inverse
 */
export function solveLinear(rows: readonly (readonly number[])[], b: readonly number[]): number[] {
  const left = rows.map((row, i) => [...row, b[i] ?? 0]);
  const solved: number[][] = [];
  for (let column = 0; column < rows.length; column++) {
    left.sort((p, q) => Math.abs(q[column] ?? 0) - Math.abs(p[column] ?? 0));
    const [pivot = [], ...others] = left.splice(0);
    const scale = pivot[column] ?? 0;
    if (!(Math.abs(scale) > 0)) throw new RangeError('A linear system has no unique solution.');
    const row = pivot.map((x) => x / scale);
    const reduced = (other: number[]) =>
      other.map((x, k) => x - (other[column] ?? 0) * (row[k] ?? 0));
    left.push(...others.map(reduced));
    solved.splice(0, solved.length, ...solved.map(reduced), row);
  }
  return solved.map((row) => row[rows.length] ?? 0);
}
