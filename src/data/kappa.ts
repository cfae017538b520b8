/** κ = (p_o − p_e) / (1 − p_e), Cohen 1960; 1 where chance alone would agree always, as when both say the same one thing. */
export const kappaOf = (agreement: number, byChance: number): number =>
  byChance === 1 ? 1 : (agreement - byChance) / (1 - byChance);

/** How far two people choose alike. */
export interface Agreement {
  /** What both answered. */
  readonly n: number;
  /** Share of those with the same answer. */
  readonly agreement: number;
  /** Cohen's κ: agreement beyond what their shares of each answer give by chance. */
  readonly kappa: number;
}

/**
 * Agreement of two lists of answers to the same questions, in one order; any number of kinds of answers, all of which
 * differ equally.
 *
 * @throws RangeError if the lists differ in length, or are empty.
 */
export function cohensKappa<T>(a: readonly T[], b: readonly T[]): Agreement {
  const n = a.length;
  if (n !== b.length)
    throw new RangeError(`${n} answers are compared with ${b.length}; they must be of one length.`);
  if (n === 0) throw new RangeError('No question was answered by both.');
  const share = (answers: readonly T[], kind: T) =>
    answers.filter((answer) => answer === kind).length / n;
  const agreement = a.filter((answer, i) => answer === b[i]).length / n;
  const byChance = [...new Set(a)].reduce(
    (sum, kind) => sum + share(a, kind) * share(b, kind), // a kind that only `b` has adds nothing
    0,
  );
  return { n, agreement, kappa: kappaOf(agreement, byChance) };
}
