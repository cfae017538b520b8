/** AI feedback: a scorer chooses the winners instead of people. Upstream: train.py `--choice_model`, `do_flip`. */
import { createHash } from 'node:crypto';
import { decodeImage, PictureError, type RgbImage } from './image';
import { kappaOf } from './kappa';
import { pictureBytes, type TrainingData, type TrainingRow } from './rows';

/** Upstream: `Selector(device).score(images, prompt)` of train.py's utils/. */
export interface Selector {
  readonly name: string;
  /** One number a picture, higher is better. */
  score(images: readonly RgbImage[], prompt: string): Promise<number[]> | number[];
}

/** How a scorer's choices compare with the labels. */
export interface ChoiceCounts {
  readonly pairs: number;
  /** Pairs whose `jpg_1` won: the original flips them. */
  readonly flips: number;
  /** Pairs with equal scores; `jpg_0` won. */
  readonly tiesKept: number;
  /** Pairs with a picture that cannot be read; they keep their label and count nowhere else. */
  readonly damaged: number;
  /** Share of pairs where scorer and label agree. */
  readonly agreement: number;
  /** Cohen's κ of scorer and label: agreement beyond what their shares of `jpg_0` give by chance. */
  readonly kappa: number;
}

export interface ChoiceOptions {
  /** Pictures shown to the scorer in one call; all of them have the same prompt. @default 16 */
  readonly picturesPerCall?: number;
  readonly signal?: AbortSignal;
}

/**
 * The same pairs, each won by `jpg_1` exactly where its score is higher. Pictures are scored as they are stored: whole,
 * neither cut nor mirrored. A picture is scored once for a prompt, however many pairs it stands in.
 *
 * @throws RangeError if rows have one picture, or the scorer does not give one number a picture.
 */
export async function chooseWinners<T extends TrainingData>(
  data: T,
  selector: Selector,
  { picturesPerCall = 16, signal }: ChoiceOptions = {},
): Promise<{ readonly data: T; readonly counts: ChoiceCounts }> {
  if (data.pairs.some(({ loser }) => loser === undefined)) {
    throw new RangeError(
      `The scorer "${selector.name}" chooses between two pictures; the data has rows of one.`,
    );
  }
  const pairs = [...data.pairs];
  const tally = new Tally();
  for (const rows of byPrompt(data.pairs)) {
    signal?.throwIfAborted();
    const scores = await scoreRows(data, rows, selector, picturesPerCall);
    for (const [i, row] of rows.entries()) {
      const pair = data.pairs[row] as TrainingRow;
      const flip = tally.add(pair, scores[i]);
      if (flip === undefined) continue;
      const [winner, loser] = flip ? ['jpg_1', 'jpg_0'] : ['jpg_0', 'jpg_1'];
      pairs[row] = { ...pair, winner, loser };
    }
  }
  return { data: { ...data, pairs }, counts: tally.counts() };
}

/** `agrees with 71.4 % of labels (κ 0.43)`, and the rest. */
export function describeChoice({ pairs, flips, tiesKept, damaged, ...rest }: ChoiceCounts): string {
  const agrees = `agrees with ${(100 * rest.agreement).toFixed(1)} % of ${pairs} labels`;
  const unread = damaged > 0 ? `, ${damaged} with a damaged picture` : '';
  return `${agrees} (κ ${rest.kappa.toFixed(2)}), ${flips} flips, ${tiesKept} ties kept${unread}`;
}

/** Positions of the pairs of each prompt. */
function byPrompt(pairs: readonly TrainingRow[]): Iterable<number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { caption }] of pairs.entries()) {
    const prompt = promptOf(caption);
    const rows = found.get(prompt);
    if (rows) rows.push(i);
    else found.set(prompt, [i]);
  }
  return found.values();
}

/** Of several captions the first: a choice is made once, before any is drawn. */
const promptOf = (caption: TrainingRow['caption']) =>
  typeof caption === 'string' ? caption : (caption[0] ?? '');

type PairScores = readonly [first: number, second: number] | undefined;

/** Scores of both pictures of rows with one prompt; nothing for a row with a damaged one. */
async function scoreRows(
  data: TrainingData,
  rows: readonly number[],
  selector: Selector,
  picturesPerCall: number,
): Promise<PairScores[]> {
  const known = new Map<string, number>();
  const waiting = new Map<string, RgbImage>();
  const [first] = rows.map((row) => data.pairs[row] as TrainingRow);
  const flush = async () => {
    if (waiting.size === 0) return;
    const scores = await selector.score([...waiting.values()], promptOf(first?.caption ?? ''));
    for (const [i, hash] of [...waiting.keys()].entries()) {
      known.set(hash, checked(scores, i, waiting.size, selector));
    }
    waiting.clear();
  };
  const hashes: ([string, string] | undefined)[] = [];
  for (const row of rows) {
    const pictures = await readBoth(data, data.pairs[row] as TrainingRow);
    for (const [hash, image] of pictures ?? []) if (!known.has(hash)) waiting.set(hash, image);
    hashes.push(pictures?.map(([hash]) => hash) as [string, string] | undefined);
    if (waiting.size >= picturesPerCall - 1) await flush();
  }
  await flush();
  return hashes.map((pair) => pair && [known.get(pair[0]) as number, known.get(pair[1]) as number]);
}

async function readBoth(data: TrainingData, row: TrainingRow) {
  try {
    const both: [hash: string, image: RgbImage][] = [];
    for (const column of ['jpg_0', 'jpg_1']) {
      const bytes = await pictureBytes(data, row, column);
      both.push([createHash('sha256').update(bytes).digest('hex'), await decodeImage(bytes)]);
    }
    return both;
  } catch (error) {
    if (error instanceof PictureError) return undefined; // counted; training names it where it skips it
    throw error;
  }
}

function checked(scores: readonly number[], i: number, count: number, { name }: Selector): number {
  const score = scores[i];
  if (scores.length === count && score !== undefined && !Number.isNaN(score)) return score;
  throw new RangeError(
    `The scorer "${name}" gave ${score} as score ${i} of ${scores.length}; expected ${count} numbers.`,
  );
}

/** Counts choices against labels. */
class Tally {
  private pairs = 0;
  private flips = 0;
  private tiesKept = 0;
  private damaged = 0;
  private agreed = 0;
  private labelledFirst = 0;

  /** Whether `jpg_1` wins; nothing for a damaged pair. */
  add({ winner }: TrainingRow, scores: PairScores): boolean | undefined {
    if (!scores) {
      this.damaged++;
      return undefined;
    }
    const [first, second] = scores;
    const flip = second > first;
    this.pairs++;
    if (flip) this.flips++;
    if (first === second) this.tiesKept++;
    if (winner === 'jpg_0') this.labelledFirst++;
    if (flip === (winner === 'jpg_1')) this.agreed++;
    return flip;
  }

  counts(): ChoiceCounts {
    const { pairs, flips, tiesKept, damaged, labelledFirst } = this;
    const agreement = this.agreed / pairs;
    const [chosen, labelled] = [1 - flips / pairs, labelledFirst / pairs]; // shares of jpg_0
    const byChance = chosen * labelled + (1 - chosen) * (1 - labelled);
    const kappa = kappaOf(agreement, byChance);
    return { pairs, flips, tiesKept, damaged, agreement, kappa };
  }
}
