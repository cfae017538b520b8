/**
 * Batches of pixel values and token ids, with every random draw in the original's order: PyTorch's DataLoader draws
 * the epoch's order, then each batch is fetched as a whole: all `jpg_0` are placed, then all `jpg_1`, then one Python
 * `random()` per row decides whether its prompt is dropped. Upstream: train.py `preprocess_train`, `collate_fn`.
 */
import { type Batch, batchContent, type CaptionEncoder } from './batch';
import { type BatchDraws, type BatchRandom, type DrawOptions, drawBatch } from './batch-draws';
import { type BatchState, checkState, restoredWorkers, workerStates } from './batch-state';
import { DamagedRows } from './damaged';
import { drawEpoch, type EpochOptions, type EpochSeeds, epochOrder, epochWorkers } from './epoch';
import { type PictureKey, PictureReader, type PictureReaderOptions } from './picture-reader';
import type { TrainingData, TrainingRow } from './rows';
import type { ResizedPicture } from './transforms';

export interface BatchOptions extends DrawOptions, EpochOptions, PictureReaderOptions {
  /** Pairs in a batch, B. An incomplete last batch is dropped, as `drop_last` does. */
  readonly batchSize: number;
  /** Both pictures of a pair (DPO), or the preferred one (SFT). @default 'both' */
  readonly pictures?: 'both' | 'winner';
  /** @default Infinity */
  readonly epochs?: number;
  /**
   * Whose generator decides which prompts are dropped: that of the worker that fetches the pictures, where there are
   * workers, or, as SDXL's are in the original, always the main process's. @default 'fetching'
   */
  readonly captionDraws?: 'fetching' | 'main process';
  /**
   * The epoch to begin with, from 0, and how many of its batches are drawn and left out: the original goes on so, from a
   * new order. @default the first epoch, none
   */
  readonly startAt?: { readonly epoch: number; readonly skip: number };
}

/** An epoch under way, and what its batches draw from. */
interface Epoch {
  readonly seeds: EpochSeeds;
  readonly order: Int32Array;
  readonly workers: readonly BatchRandom[];
}

/** What a batch is made of; rows are positions in the data. */
interface Fetched {
  readonly index: number;
  readonly rows: readonly number[];
  readonly draws: BatchDraws;
  readonly images: readonly ResizedPicture[];
}

/**
 * Yields batches, always having fetched the one that follows within the epoch: a consumer that draws from the same
 * generators between batches then sees the original's order (accelerate's DataLoader looks one batch ahead).
 *
 * After each batch, `state()` and the states of the two generators are all it takes to go on with the same numbers.
 */
export class BatchSource implements AsyncIterable<Batch> {
  readonly batchesPerEpoch: number;
  private readonly damagedRows: DamagedRows;
  private readonly reader: PictureReader;
  private epochNumber: number;
  /** Batches of the first epoch that are left out. */
  private skip: number;
  private permutations: number | undefined;
  private epoch: Epoch | undefined;
  private ahead: Fetched | undefined;
  private phase: 'new' | 'fetching' | 'yielded' | 'ended' = 'new';

  /** @throws RangeError if there are fewer pairs than one batch needs, or `resumed` is the state of other data. */
  constructor(
    private readonly data: TrainingData,
    private readonly tokenizer: CaptionEncoder,
    private readonly random: BatchRandom,
    private readonly options: BatchOptions,
    private readonly resumed?: BatchState,
  ) {
    const { batchSize, startAt = { epoch: 0, skip: 0 } } = options;
    const rows = data.pairs.length;
    this.batchesPerEpoch = Math.floor(rows / batchSize);
    if (!Number.isInteger(batchSize) || batchSize < 1 || this.batchesPerEpoch < 1) {
      throw new RangeError(`${rows} pairs do not fill a batch of ${batchSize}.`);
    }
    if (resumed) checkState(resumed, rows, batchSize);
    if (startAt.skip >= this.batchesPerEpoch)
      throw new RangeError(
        `${startAt.skip} batches cannot be left out of an epoch of ${this.batchesPerEpoch}.`,
      );
    this.epochNumber = resumed?.epoch ?? startAt.epoch;
    this.skip = resumed ? 0 : startAt.skip;
    this.permutations = resumed?.permutations;
    this.damagedRows = new DamagedRows(rows, resumed?.damaged);
    this.reader = new PictureReader(data, options);
  }

  /** What was wrong with each row that was skipped so far. */
  get damaged(): readonly string[] {
    return this.damagedRows.entries().map(([, message]) => message);
  }

  /** Goes on with the next epoch after the batch yielded last; what was fetched ahead stays drawn and is not used. */
  leaveEpoch(): void {
    if (this.epoch) this.endEpoch('left');
  }

  /** Where the source stands after the batch yielded last. @throws Error while the next one is being fetched. */
  state(): BatchState {
    if (this.phase === 'fetching') throw new Error('No state can be had while a batch is fetched.');
    if (this.phase === 'new' && this.resumed) return this.resumed;
    const { epoch, ahead, permutations } = this;
    const position = {
      rows: this.data.pairs.length,
      batchSize: this.options.batchSize,
      epoch: this.epochNumber,
      damaged: this.damagedRows.entries(),
      ...(permutations === undefined ? {} : { permutations }),
    };
    if (!epoch || !ahead) return position;
    const { index, rows, draws } = ahead;
    const workers = workerStates(epoch.workers);
    return { ...position, seeds: epoch.seeds, ahead: { index, rows, ...draws }, workers };
  }

  /**
   * Runs through once; left early, it ends the threads that read pictures.
   *
   * @throws PictureError that names rows, columns and files, if more than 1 % of the rows are damaged.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void> {
    if (this.phase !== 'new') throw new Error('Batches can be run through once.');
    const { epochs = Infinity } = this.options;
    this.phase = 'fetching';
    try {
      await this.resume();
      while (this.epochNumber < epochs) {
        const now = this.ahead ?? (await this.startEpoch());
        const batch = this.batch(now);
        if (batch.isLastOfEpoch) this.endEpoch('ran out');
        else this.ahead = await this.fetch(now.index + 1);
        this.phase = 'yielded';
        yield batch;
        this.phase = 'fetching';
      }
      this.phase = 'ended';
    } finally {
      await this.reader.close();
    }
  }

  private async startEpoch(): Promise<Fetched> {
    const seeds = drawEpoch(this.random.torch, this.options, this.permutations);
    this.begin({ seeds, workers: epochWorkers(seeds, this.options) }, 0);
    let fetched = await this.fetch(0);
    while (fetched.index < this.skip) fetched = await this.fetch(fetched.index + 1);
    this.skip = 0;
    return fetched;
  }

  /** Takes up what an earlier source had drawn. */
  private async resume() {
    const { seeds, ahead, workers } = this.resumed ?? {};
    if (!seeds || !ahead) return;
    this.begin({ seeds, workers: restoredWorkers(workers) }, ahead.index);
    const { index, rows, ...draws } = ahead;
    const images = await Promise.all(this.keys(rows).map((key) => this.reader.get(key)));
    this.ahead = { index, rows, draws, images };
  }

  private begin(epoch: Omit<Epoch, 'order'>, firstBatch: number) {
    const order = epochOrder(epoch.seeds, this.data.pairs.length);
    this.epoch = { ...epoch, order };
    this.reader.expect(this.keysFrom(order, firstBatch));
  }

  /** PyTorch's sampler draws a permutation when it starts, and when it runs out one more, of which it takes nothing. */
  private endEpoch(how: 'ran out' | 'left') {
    const { permutation } = this.epoch?.seeds ?? {};
    if (permutation !== undefined) this.permutations = permutation + { 'ran out': 2, left: 1 }[how];
    this.ahead = undefined;
    this.epoch = undefined;
    this.epochNumber++;
  }

  private *keysFrom(order: Int32Array, firstBatch: number): Generator<PictureKey, void, undefined> {
    for (let index = firstBatch; index < this.batchesPerEpoch; index++) {
      yield* this.keys(this.wanted(order, index).map((row) => this.damagedRows.sound(row)));
    }
  }

  private wanted(order: Int32Array, index: number): number[] {
    const { batchSize } = this.options;
    return [...order.subarray(index * batchSize, (index + 1) * batchSize)];
  }

  /** All `jpg_0`, then all `jpg_1`; or one picture a row. */
  private keys(rows: readonly number[]): PictureKey[] {
    if (this.options.pictures === 'winner') {
      return rows.map((row) => [row, (this.data.pairs[row] as TrainingRow).winner] as const);
    }
    return ['jpg_0', 'jpg_1'].flatMap((column) => rows.map((row) => [row, column] as const));
  }

  /** All draws of one batch. Pictures are read first, all at once, since reading draws nothing. */
  private async fetch(index: number): Promise<Fetched> {
    const { order, workers } = this.epoch as Epoch;
    const { rows, images } = await this.read(this.wanted(order, index));
    const random = workers[index % workers.length] ?? this.random;
    const pairs = rows.map((row) => this.data.pairs[row] as TrainingRow);
    const isMain = this.options.captionDraws === 'main process';
    const drawing = isMain ? { torch: random.torch, python: this.random.python } : random;
    return { index, rows, images, draws: drawBatch(pairs, images, drawing, this.options) };
  }

  private async read(wanted: readonly number[]) {
    for (;;) {
      const rows = wanted.map((row) => this.damagedRows.sound(row));
      const keys = this.keys(rows);
      const read = await Promise.allSettled(keys.map((key) => this.reader.get(key)));
      const images = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      if (images.length === keys.length) return { rows, images };
      for (const [i, one] of read.entries()) {
        if (one.status === 'rejected') this.damagedRows.add(keys[i]?.[0] as number, one.reason);
      }
    }
  }

  private batch({ index, rows, images, draws }: Fetched): Batch {
    const { epochNumber: epoch, batchesPerEpoch } = this;
    const pairs = rows.map((row) => this.data.pairs[row] as TrainingRow);
    const content = batchContent(pairs, images, draws, this.tokenizer, this.options.resolution);
    const isLastOfEpoch = index + 1 === batchesPerEpoch;
    return { epoch, index, batchesPerEpoch, isLastOfEpoch, ...content };
  }
}

/** A source of batches, from the start or from a saved state. @throws as `BatchSource` does. */
export function batchSource(...given: ConstructorParameters<typeof BatchSource>): BatchSource {
  return new BatchSource(...given);
}

/** The batches of a new source, where nobody asks for its state. @throws as `BatchSource` does, when run. */
export async function* batches(
  data: TrainingData,
  tokenizer: CaptionEncoder,
  random: BatchRandom,
  options: BatchOptions,
): AsyncGenerator<Batch, void> {
  yield* new BatchSource(data, tokenizer, random, options);
}
