/** AI feedback: a scorer chooses the winners instead of people. Upstream: train.py `--choice_model`, `do_flip`. */
import { createHash } from 'node:crypto';
import { type ChoiceCounts, ChoiceTally, labelOfRow, type PairScores } from './choice-counts';
import { decodeImage, PictureError, type RgbImage } from './image';
import { pictureBytes, type TrainingData, type TrainingRow } from './rows';

/** Upstream: `Selector(device).score(images, prompt)` of train.py's utils/. */
export interface Selector {
  readonly name: string;
  /** One number a picture, higher is better. */
  score(images: readonly RgbImage[], prompt: string): Promise<number[]> | number[];
  /** The same for pictures with a prompt each, where the scorer takes them at once. */
  scoreMany?(images: readonly RgbImage[], prompts: readonly string[]): Promise<number[]> | number[];
}

/** Scores that are known already. */
export interface KnownScores {
  get(key: string): number | undefined;
  /** Told of new ones, several at once. */
  add(scores: ReadonlyMap<string, number>): Promise<void> | void;
}

export interface ChoiceOptions {
  /** Pictures shown to the scorer in one call. @default 16 */
  readonly picturesPerCall?: number;
  /** Where scores are kept beyond this call, by {@link scoreKey}. @default nowhere */
  readonly known?: KnownScores;
  /** Told how many pairs are done. */
  readonly onPairs?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Under which a picture's score for a prompt is kept. @param pictureSha256 of the file, in hex */
export const scoreKey = (pictureSha256: string, prompt: string): string =>
  createHash('sha256').update(`${pictureSha256}\n${prompt}`).digest('hex').slice(0, 32);

/**
 * The same pairs, each won by `jpg_1` exactly where its score is higher. Pictures are scored as they are stored: whole,
 * neither cut nor mirrored. A picture is scored once for a prompt, however many pairs it stands in. Pairs that people left
 * undecided are only counted.
 *
 * @throws RangeError if rows have one picture, or the scorer does not give one number a picture.
 */
export async function chooseWinners<T extends TrainingData>(
  data: T,
  selector: Selector,
  options: ChoiceOptions = {},
): Promise<{ readonly data: T; readonly counts: ChoiceCounts }> {
  if (data.pairs.some(({ loser }) => loser === undefined)) {
    throw new RangeError(
      `The scorer "${selector.name}" chooses between two pictures; the data has rows of one.`,
    );
  }
  const pairs = [...data.pairs];
  const rows = [...pairs, ...(data.undecided ?? [])];
  const tally = new ChoiceTally();
  let done = 0;
  const asked = new Questions(data, selector, options, (row, scores) => {
    const pair = rows[row] as TrainingRow;
    const flip = tally.add(row < pairs.length ? labelOfRow(pair) : 0.5, scores);
    options.onPairs?.(++done, rows.length);
    if (flip === undefined || row >= pairs.length) return;
    const [winner, loser] = flip ? ['jpg_1', 'jpg_0'] : ['jpg_0', 'jpg_1'];
    pairs[row] = { ...pair, winner, loser };
  });
  for (const ofPrompt of byPrompt(rows)) {
    for (const row of ofPrompt) {
      options.signal?.throwIfAborted();
      await asked.ask(row, rows[row] as TrainingRow);
    }
    await asked.endPrompt();
  }
  await asked.end();
  return { data: { ...data, pairs }, counts: tally.counts() };
}

/** Positions of the rows of each prompt. */
function byPrompt(rows: readonly TrainingRow[]): Iterable<number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { caption }] of rows.entries()) {
    const prompt = promptOf(caption);
    const ofPrompt = found.get(prompt);
    if (ofPrompt) ofPrompt.push(i);
    else found.set(prompt, [i]);
  }
  return found.values();
}

/** Of several captions the first: a choice is made once, before any is drawn. */
const promptOf = (caption: TrainingRow['caption']) =>
  typeof caption === 'string' ? caption : (caption[0] ?? '');

/** Pictures that wait for the scorer, and rows that wait for their pictures. */
class Questions {
  private readonly waiting = new Map<
    string,
    { readonly image: RgbImage; readonly prompt: string }
  >();
  private pending: { readonly row: number; readonly keys: readonly string[] | undefined }[] = [];
  /** Of the prompt that is being asked about, and of rows that wait. */
  private scores = new Map<string, number>();

  constructor(
    private readonly data: TrainingData,
    private readonly selector: Selector,
    private readonly options: ChoiceOptions,
    private readonly tell: (row: number, scores: PairScores) => void,
  ) {}

  async ask(row: number, pair: TrainingRow): Promise<void> {
    const prompt = promptOf(pair.caption);
    const pictures = await this.read(pair, prompt);
    for (const { key, image } of pictures ?? []) {
      const known = this.options.known?.get(key);
      if (image) this.waiting.set(key, { image, prompt });
      else if (known !== undefined) this.scores.set(key, known);
    }
    this.pending.push({ row, keys: pictures?.map(({ key }) => key) });
    if (this.waiting.size >= (this.options.picturesPerCall ?? 16) - 1) await this.flush();
  }

  /** Both pictures of a row, decoded where they have no score yet; nothing where one is damaged. */
  private async read(pair: TrainingRow, prompt: string) {
    const { scores, waiting, options } = this;
    const both: { readonly key: string; readonly image: RgbImage | undefined }[] = [];
    try {
      for (const column of ['jpg_0', 'jpg_1']) {
        const bytes = await pictureBytes(this.data, pair, column);
        const key = scoreKey(createHash('sha256').update(bytes).digest('hex'), prompt);
        const isKnown =
          scores.has(key) || waiting.has(key) || options.known?.get(key) !== undefined;
        both.push({ key, image: isKnown ? undefined : await decodeImage(bytes) });
      }
      return both;
    } catch (error) {
      if (error instanceof PictureError) return undefined; // counted; training names it where it skips it
      throw error;
    }
  }

  /** A scorer that takes one prompt at a time is asked before the next one comes. */
  async endPrompt(): Promise<void> {
    if (!this.selector.scoreMany) await this.flush();
    if (this.waiting.size === 0) await this.end();
  }

  /** Asks about all that wait, and forgets what no row needs any more. */
  async end(): Promise<void> {
    await this.flush();
    this.scores = new Map();
  }

  private async flush(): Promise<void> {
    if (this.waiting.size > 0) {
      const fresh = await this.fresh();
      for (const [key, score] of fresh) this.scores.set(key, score);
      await this.options.known?.add(fresh);
      this.waiting.clear();
    }
    for (const { row, keys } of this.pending) {
      const [first, second] = (keys ?? []).map((key) => this.scores.get(key) as number);
      this.tell(row, first === undefined || second === undefined ? undefined : [first, second]);
    }
    this.pending = [];
  }

  private async fresh(): Promise<Map<string, number>> {
    const { selector, waiting } = this;
    const images = [...waiting.values()].map(({ image }) => image);
    const prompts = [...waiting.values()].map(({ prompt }) => prompt);
    const scores = selector.scoreMany
      ? await selector.scoreMany(images, prompts)
      : await selector.score(images, prompts[0] ?? '');
    return new Map(
      [...waiting.keys()].map((key, i) => [key, checked(scores, i, waiting.size, selector)]),
    );
  }
}

function checked(scores: readonly number[], i: number, count: number, { name }: Selector): number {
  const score = scores[i];
  if (scores.length === count && score !== undefined && !Number.isNaN(score)) return score;
  throw new RangeError(
    `The scorer "${name}" gave ${score} as score ${i} of ${scores.length}; expected ${count} numbers.`,
  );
}
