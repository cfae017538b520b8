/** A worker thread under a clock and a memory limit, so that no parquet file can hang or end this process. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** What a parquet file may cost before it is refused. */
export interface ParquetLimits {
  /** For one request: the footer, or one column of one row group. @default 20000 */
  readonly milliseconds: number;
  /** JavaScript heap of the worker thread, in MiB. @default 1024 */
  readonly heapMegabytes: number;
  /** Bytes one column of one row group may unpack to. @default 1 GiB */
  readonly columnBytes: number;
  /** Rows of one row group. @default 10 million */
  readonly rows: number;
  /** A column of a row group that unpacks to no more is read whole, never value by value. @default 1 MiB */
  readonly wholeBytes: number;
}

export const PARQUET_LIMITS: ParquetLimits = {
  milliseconds: 20_000,
  heapMegabytes: 1024,
  columnBytes: 2 ** 30,
  rows: 10_000_000,
  wholeBytes: 2 ** 20,
};

/** Which bytes of a file to read for one value, and where in what they unpack to it stands (`parquet-places.mjs`). */
export interface ParquetPlace {
  readonly codec: string;
  readonly definition: number;
  readonly from: number;
  readonly to: number;
  readonly skip: number;
  readonly length: number;
}

/** What the worker is asked for: the layout of a file, or one column of one of its row groups. */
export interface ParquetRequest {
  readonly path: string;
  readonly column?: string;
  readonly rowGroup?: number;
  /** Of the column not all values, but where they stand; the one that stands there; or the bytes that hold them all. */
  readonly wanted?: 'places' | 'extent' | ParquetPlace;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly bytes: number;
}

interface Waiting {
  readonly id: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly clock: NodeJS.Timeout;
}

/**
 * Answers one request at a time in a worker thread; the thread is started at need, and ended when it runs past the
 * clock, outgrows its heap or throws where nobody catches. The next request then starts a fresh one.
 */
export class ParquetGuard {
  private worker: Worker | undefined;
  private waiting: Waiting | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private requests = 0;
  private read = 0;

  constructor(readonly limits: ParquetLimits = PARQUET_LIMITS) {}

  /** How much was read from files so far. */
  get bytesRead(): number {
    return this.read;
  }

  /** @throws Error with the reason, without the file's name, if the file cannot be read. */
  ask(request: ParquetRequest): Promise<unknown> {
    const turn = this.queue.then(() => this.send(request));
    this.queue = turn.catch(() => undefined); // the caller of this turn gets the error
    return turn;
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private async send(request: ParquetRequest): Promise<unknown> {
    const worker = this.worker ?? (await this.start());
    const id = ++this.requests;
    worker.ref(); // the process stays until the answer comes; an idle thread does not keep it
    return new Promise((resolve, reject) => {
      const { milliseconds } = this.limits;
      const late = new Error(`reading it took longer than ${milliseconds / 1000} s`);
      // An answer that arrived while this thread was busy counts: it is delivered before `setImmediate`.
      const onTime = () => this.waiting?.id === id && this.abandon(worker, late);
      const clock = setTimeout(() => setImmediate(onTime), milliseconds);
      this.waiting = { id, resolve, reject, clock };
      worker.postMessage({ id, ...request });
    });
  }

  /** Resolves once the thread listens: the clock of a request is for the file, not for loading the reader. */
  private start(): Promise<Worker> {
    const { heapMegabytes, columnBytes, rows, wholeBytes } = this.limits;
    const worker = new Worker(join(__dirname, 'parquet-worker.mjs'), {
      execArgv: [], // the worker is plain JavaScript: no loaders
      workerData: { maxColumnBytes: columnBytes, maxRows: rows, wholeBytes },
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    this.worker = worker;
    return new Promise((resolve, reject) => {
      const end = (reason: Error) => {
        this.abandon(worker, reason);
        reject(reason); // of use only before the first message
      };
      worker.on('error', (error) => end(new Error(`the reader failed: ${error}`)));
      worker.on('exit', () => end(new Error('the reader ended')));
      worker.once('message', () => {
        worker.on('message', (answer) => this.settle(worker, answer));
        resolve(worker);
      });
    });
  }

  private settle(worker: Worker, answer: Answer) {
    this.read += answer.bytes;
    if (this.waiting?.id !== answer.id) return;
    const { resolve, reject, clock } = this.waiting;
    clearTimeout(clock);
    this.waiting = undefined;
    worker.unref();
    if (answer.error === undefined) resolve(answer.value);
    else reject(new Error(answer.error));
  }

  private abandon(worker: Worker, reason: Error) {
    if (worker !== this.worker) return;
    this.worker = undefined;
    void worker.terminate();
    if (!this.waiting) return;
    clearTimeout(this.waiting.clock);
    this.waiting.reject(reason);
    this.waiting = undefined;
  }
}
