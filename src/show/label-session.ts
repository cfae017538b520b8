/** One person's way through some pairs: what is shown where, what was answered, and where each answer is kept. */

import { decodeImage, encodePng } from '../data/image';
import { type Label, type LabelValue, LabelWriter, readLabels } from '../data/label-file';
import { digestOf, pairsFrom } from '../data/labelled-pairs';
import type { PictureColumn } from '../data/picture-files';
import { pictureBytes, type TrainingRow } from '../data/rows';
import type { UnlabelledPair, UnlabelledPairs } from '../data/unlabelled-pairs';
import { PythonRandom } from '../random/python-random';

/** What a person answers. */
export const CHOICES = ['left', 'right', 'tie'] as const;
export type Choice = (typeof CHOICES)[number];
export type Side = 'left' | 'right';

export interface LabelTask {
  /** Goes into every line of the file. */
  readonly labeller: string;
  /** JSON lines; answers that it holds already count. */
  readonly file: string;
  /** Of which picture stands left. @default 0 */
  readonly seed?: number;
}

/** What a page is told of a pair: nothing by which it could know who drew which. */
export interface AskedPair {
  readonly index: number;
  readonly prompt: string;
  readonly choice: Choice | null;
}

export interface LabelState {
  readonly labeller: string;
  readonly total: number;
  readonly done: number;
  /** The first pair without an answer, from the one asked about on; null when all have one. */
  readonly next: number | null;
}

export class LabelSession {
  private readonly left: readonly PictureColumn[];
  private readonly indices: ReadonlyMap<string, number>;
  /** Answers by position, in the order in which they were given. */
  private readonly answers = new Map<number, Choice>();
  private waiting: Promise<unknown> = Promise.resolve();
  /** Digests of the pictures' files of the pair answered last: taking an answer back needs them again. */
  private shown: { readonly index: number; readonly sha256: [string, string] } | undefined;

  private constructor(
    readonly pairs: UnlabelledPairs,
    readonly task: LabelTask,
    private readonly writer: LabelWriter,
  ) {
    const random = new PythonRandom(task.seed ?? 0);
    this.left = pairs.pairs.map(() => (random.random() < 0.5 ? 'jpg_0' : 'jpg_1'));
    this.indices = new Map(pairs.pairs.map(({ id }, index) => [id, index]));
  }

  /** Goes on where the file ends. @throws RangeError for a labeller without a name, or a file of other pairs */
  static async open(pairs: UnlabelledPairs, task: LabelTask): Promise<LabelSession> {
    const { labeller, file } = task;
    if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u.test(labeller)) {
      throw new RangeError(
        `The labeller is called ${JSON.stringify(labeller)}; give 1 to 64 letters, digits, spaces, and . _ -`,
      );
    }
    const writer = await LabelWriter.open(file, pairsFrom(file, pairs.source));
    const session = new LabelSession(pairs, task, writer);
    for (const label of readLabels(file).byLabeller.get(labeller)?.values() ?? []) {
      const index = session.indices.get(label.pair);
      if (index !== undefined) session.answers.set(index, choiceOf(label));
    }
    return session;
  }

  get total(): number {
    return this.pairs.pairs.length;
  }

  get done(): number {
    return this.answers.size;
  }

  state(from = 0): LabelState {
    const { task, total, done } = this;
    const ahead = Array.from({ length: total }, (_, i) => (from + i) % total);
    const next = ahead.find((index) => !this.answers.has(index)) ?? null;
    return { labeller: task.labeller, total, done, next };
  }

  has(index: number): boolean {
    return Number.isInteger(index) && index >= 0 && index < this.total;
  }

  /** @throws RangeError for a pair that is not there, as all that ask for one */
  ask(index: number): AskedPair {
    const { caption } = this.pair(index);
    return { index, prompt: caption, choice: this.answers.get(index) ?? null };
  }

  /** A picture as PNG, drawn anew from its pixels: what else stands in a file could tell where it comes from. */
  async picture(index: number, side: Side): Promise<Uint8Array> {
    const bytes = await this.bytes(this.pair(index), this.column(index, side));
    return encodePng(await decodeImage(bytes));
  }

  /** Keeps an answer; it is on the disk when this resolves. */
  choose(index: number, choice: Choice): Promise<void> {
    return this.inOrder(async () => {
      await this.write(index, labelOf(choice, this.column(index, 'left')));
      this.answers.delete(index); // answered again is answered last
      this.answers.set(index, choice);
    });
  }

  /** Takes the last answer back; resolves to its pair, or undefined where there is none. */
  undo(): Promise<number | undefined> {
    return this.inOrder(async () => {
      const index = [...this.answers.keys()].at(-1);
      if (index === undefined) return undefined;
      await this.write(index, null);
      this.answers.delete(index);
      return index;
    });
  }

  /** Closes the file when all that was asked for is written. */
  close(): Promise<void> {
    return this.inOrder(async () => this.writer.close());
  }

  /** Answers are kept in the order in which they came. */
  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.waiting.then(work);
    this.waiting = done.catch(() => undefined); // whoever asked for it is told
    return done;
  }

  private async write(index: number, label_0: LabelValue | null): Promise<void> {
    const pair = this.pair(index);
    const sha256 = await this.digests(index);
    const { labeller } = this.task;
    const left = this.column(index, 'left');
    const at = new Date().toISOString();
    this.writer.add({ pair: pair.id, label_0, labeller, left, sha256, at });
  }

  private async digests(index: number): Promise<[string, string]> {
    if (this.shown?.index === index) return this.shown.sha256;
    const pair = this.pair(index);
    const [first, second] = [await this.bytes(pair, 'jpg_0'), await this.bytes(pair, 'jpg_1')];
    const sha256: [string, string] = [digestOf(first), digestOf(second)];
    this.shown = { index, sha256 };
    return sha256;
  }

  private pair(index: number): UnlabelledPair {
    const pair = this.pairs.pairs[index];
    if (pair) return pair;
    throw new RangeError(`There is no pair ${index}; there are ${this.total}, from 0.`);
  }

  private column(index: number, side: Side): PictureColumn {
    const left = this.left[index] ?? 'jpg_0';
    if (side === 'left') return left;
    return left === 'jpg_0' ? 'jpg_1' : 'jpg_0';
  }

  private async bytes(pair: UnlabelledPair, column: PictureColumn): Promise<Uint8Array> {
    return pictureBytes(this.pairs, rowOf(pair), column);
  }
}

/** As a row of training data; who wins is not asked here. */
const rowOf = (pair: UnlabelledPair): TrainingRow => ({ ...pair, winner: 'jpg_0', loser: 'jpg_1' });

/** `label_0` of an answer. */
function labelOf(choice: Choice, left: PictureColumn): LabelValue {
  if (choice === 'tie') return 0.5;
  return (choice === 'left') === (left === 'jpg_0') ? 1 : 0;
}

/** The answer of a label, as the pictures stood when it was given. */
export function choiceOf({ label_0, left }: Pick<Label, 'label_0' | 'left'>): Choice {
  if (label_0 === 0.5) return 'tie';
  return (label_0 === 1) === (left === 'jpg_0') ? 'left' : 'right';
}
