/** How a scorer's choices compare with the labels of people. */
import { kappaOf } from './kappa';
import type { TrainingRow } from './rows';

/** Scores of both pictures of a pair; nothing where one is damaged. */
export type PairScores = readonly [first: number, second: number] | undefined;

/** Labels as in `label_0`: the second picture is better, neither is, the first is. */
export const LABELS = [0, 0.5, 1] as const;

export interface ChoiceCounts {
  /** Pairs that people decided, and the scorer could see: n of what follows. */
  readonly pairs: number;
  /** Pairs whose `jpg_1` won: the original flips them. */
  readonly flips: number;
  /** Pairs with equal scores; `jpg_0` won. */
  readonly tiesKept: number;
  /** Pairs with a picture that cannot be read; they keep their label and count nowhere else. */
  readonly damaged: number;
  /** Share of pairs where the winner that the scorer chose is the label's. */
  readonly agreement: number;
  /** Cohen's κ of scorer and label: agreement beyond what their shares of `jpg_0` give by chance. */
  readonly kappa: number;
  /** Pairs by label of people (rows) and of the scorer (columns), each in the order of {@link LABELS}. */
  readonly matrix: readonly (readonly number[])[];
}

/** Counts choices against labels. */
export class ChoiceTally {
  private damaged = 0;
  private readonly matrix = LABELS.map(() => LABELS.map(() => 0));

  /**
   * @param label of people, ½ for a pair that they left undecided
   * @returns whether `jpg_1` wins; nothing for a damaged pair
   */
  add(label: (typeof LABELS)[number], scores: PairScores): boolean | undefined {
    if (!scores) {
      if (label !== 0.5) this.damaged++;
      return undefined;
    }
    const [first, second] = scores;
    const row = this.matrix[LABELS.indexOf(label)] as number[];
    const column = second > first ? 0 : second < first ? 2 : 1;
    row[column] = (row[column] as number) + 1;
    return column === 0;
  }

  counts(): ChoiceCounts {
    const [[lost, evenLost, missed], , [flipped, evenWon, won]] = this.matrix as Cells;
    const [flips, tiesKept] = [lost + flipped, evenLost + evenWon];
    const [labelledSecond, labelledFirst] = [lost + evenLost + missed, flipped + evenWon + won];
    const pairs = labelledSecond + labelledFirst;
    const agreement = (lost + evenWon + won) / pairs; // even scores let jpg_0 win
    const [chosen, labelled] = [1 - flips / pairs, labelledFirst / pairs]; // shares of jpg_0
    const byChance = chosen * labelled + (1 - chosen) * (1 - labelled);
    const kappa = kappaOf(agreement, byChance);
    const matrix = this.matrix.map((row) => [...row]);
    return { pairs, flips, tiesKept, damaged: this.damaged, agreement, kappa, matrix };
  }
}

type Row = [second: number, even: number, first: number];
type Cells = [Row, Row, Row];

/** What people say of a row that has a winner. */
export const labelOfRow = ({ winner }: TrainingRow) => (winner === 'jpg_0' ? 1 : 0);

/** `agrees with 71.4 % of labels (κ 0.43)`, and the rest. */
export function describeChoice({ pairs, flips, tiesKept, damaged, ...rest }: ChoiceCounts): string {
  const agrees = `agrees with ${(100 * rest.agreement).toFixed(1)} % of ${pairs} labels`;
  const unread = damaged > 0 ? `, ${damaged} with a damaged picture` : '';
  return `${agrees} (κ ${rest.kappa.toFixed(2)}), ${flips} flips, ${tiesKept} ties kept${unread}`;
}

/** The matrix as text: a line for each label of people, a column for each of the scorer. */
export function choiceMatrix({ matrix }: Pick<ChoiceCounts, 'matrix'>): string {
  const names = ['jpg_1', 'tie', 'jpg_0'];
  const width = Math.max(5, ...matrix.flat().map((n) => String(n).length));
  const line = (title: string, cells: readonly (string | number)[]) =>
    `${title.padEnd(15)}${cells.map((cell) => String(cell).padStart(width + 2)).join('')}`;
  return [
    line('people↓ scorer→', names),
    ...matrix.map((row, i) => line(names[i] ?? '', row)),
  ].join('\n');
}
