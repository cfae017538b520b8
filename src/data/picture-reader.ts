/** Decoded and resized pictures of a data set: remembered while they fit, and read before they are asked for. */
import { PictureThreads } from './picture-threads';
import type { ResizeOptions } from './resize';
import { atRow, pairPicture, pictureBytes, type TrainingData, type TrainingRow } from './rows';
import { type ResizedPicture, resizeShorterSide } from './transforms';

/** How far reading may run ahead of training. */
export interface ReadAhead {
  /** Threads that decode and resize, beside the one that trains. */
  readonly threads: number;
  /** Pictures read and not yet asked for may take this, and one picture a thread more. @default 256 MiB */
  readonly bytes?: number;
}

export interface PictureReaderOptions {
  /** Of the shorter side. */
  readonly resolution: number;
  /** What resized pictures may take in memory before they are decoded anew each time. @default 256 MiB */
  readonly cacheBytes?: number;
  /** Without it pictures are read when they are asked for, on the calling thread. */
  readonly readAhead?: ReadAhead;
  /** Whose resizing. @default 'current' */
  readonly pillow?: ResizeOptions['pillow'];
}

/** A picture by the position of its row in `data.pairs`, and its column. */
export type PictureKey = readonly [row: number, column: string];

export class PictureReader {
  private readonly known = new Map<string, ResizedPicture>();
  private readonly ahead = new Map<string, Promise<ResizedPicture>>();
  private readonly asked = new Set<string>();
  private readonly threads: PictureThreads | undefined;
  private readonly budget: number;
  private coming: Iterator<PictureKey> = [].values();
  private room: number;
  private running = 0;
  private held = 0;

  constructor(
    private readonly data: TrainingData,
    private readonly options: PictureReaderOptions,
  ) {
    const { cacheBytes = 256 * 2 ** 20, readAhead } = options;
    this.room = cacheBytes;
    this.budget = readAhead?.bytes ?? 256 * 2 ** 20;
    if (readAhead) this.threads = new PictureThreads(readAhead.threads);
  }

  /** Bytes of pictures that were read ahead and not asked for yet. */
  get heldBytes(): number {
    return this.held;
  }

  /** What will be asked for, in that order; replaces what was said before. */
  expect(coming: Iterable<PictureKey>): void {
    for (const left of this.ahead.values()) void left.then(({ data }) => this.forget(data), ignore);
    this.ahead.clear();
    this.asked.clear();
    this.coming = coming[Symbol.iterator]();
    this.run();
  }

  /** @throws PictureError that names row, column and file. */
  async get([row, column]: PictureKey): Promise<ResizedPicture> {
    const key = `${row} ${column}`;
    const found = this.known.get(key);
    if (found) return found;
    const promise = this.ahead.get(key) ?? this.read(row, column);
    const wasAhead = this.ahead.delete(key);
    if (!wasAhead) this.asked.add(key);
    const image = await promise;
    if (wasAhead) this.forget(image.data);
    if (image.data.length <= this.room && !this.known.has(key)) {
      this.room -= image.data.length;
      this.known.set(key, image);
    }
    this.run();
    return image;
  }

  async close(): Promise<void> {
    this.coming = [].values();
    await this.threads?.close();
  }

  private run() {
    while (this.threads && this.running < this.threads.count && this.held < this.budget) {
      const next = this.coming.next();
      if (next.done) return;
      const [row, column] = next.value;
      const key = `${row} ${column}`;
      if (this.asked.delete(key) || this.known.has(key) || this.ahead.has(key)) continue;
      this.running++;
      const promise = this.read(row, column);
      this.ahead.set(key, promise);
      promise.then(
        ({ data }) => this.finished(data.length),
        () => this.finished(0), // whoever asks for the picture gets the error
      );
    }
  }

  private finished(bytes: number) {
    this.running--;
    this.held += bytes;
    this.run();
  }

  private forget({ length }: Uint8Array) {
    this.held -= length;
  }

  private async read(index: number, column: string): Promise<ResizedPicture> {
    const { resolution, pillow = 'current' } = this.options;
    const row = this.data.pairs[index] as TrainingRow;
    if (!this.threads) {
      return resizeShorterSide(await pairPicture(this.data, row, column), resolution, { pillow });
    }
    const bytes = await pictureBytes(this.data, row, column);
    try {
      return await this.threads.resized(bytes, resolution, { pillow });
    } catch (error) {
      throw atRow(error, row, column);
    }
  }
}

/** Of a picture that nobody asked for. */
const ignore = () => undefined;
