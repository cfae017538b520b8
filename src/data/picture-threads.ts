/** Threads that decode and resize pictures while the main one trains. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PictureError } from './image';
import type { ResizeOptions } from './resize';
import type { ResizedPicture } from './transforms';

interface Job {
  readonly bytes: Uint8Array;
  readonly resolution: number;
  readonly options: ResizeOptions;
  readonly resolve: (image: ResizedPicture) => void;
  readonly reject: (error: Error) => void;
}

type Answer =
  | { readonly image: ResizedPicture }
  | { readonly error: string; readonly damaged: boolean };

/** A thread does one picture at a time and is started at need; an idle one does not keep the process alive. */
export class PictureThreads {
  private readonly idle: Worker[] = [];
  private readonly busy = new Map<Worker, Job>();
  private readonly queue: Job[] = [];
  private closed = false;

  constructor(readonly count: number) {}

  /** Decoded, its shorter side `resolution`. @throws PictureError if the picture is damaged. */
  resized(
    bytes: Uint8Array,
    resolution: number,
    options: ResizeOptions = {},
  ): Promise<ResizedPicture> {
    return new Promise((resolve, reject) => {
      this.queue.push({ bytes, resolution, options, resolve, reject });
      this.send();
    });
  }

  /** Ends all threads; what they were asked for is refused. */
  async close(): Promise<void> {
    this.closed = true;
    const workers = [...this.idle.splice(0), ...this.busy.keys()];
    const refused = new Error('Reading pictures was ended.');
    for (const { reject } of [...this.queue.splice(0), ...this.busy.values()]) reject(refused);
    this.busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  private send() {
    while (this.queue.length > 0) {
      const room = this.idle.length + this.busy.size < this.count;
      if (this.closed || (this.idle.length === 0 && !room)) return;
      const worker = this.idle.pop() ?? this.start();
      const job = this.queue.shift() as Job;
      const { resolution, options } = job;
      const bytes = job.bytes.slice(); // or the whole column that it is cut from would be copied
      this.busy.set(worker, job);
      worker.ref();
      worker.postMessage({ bytes, resolution, options }, [bytes.buffer]);
    }
  }

  private start(): Worker {
    const worker = new Worker(join(__dirname, 'picture-worker.mjs'), { execArgv: [] });
    worker.on('message', (answer: Answer) => {
      const job = this.finished(worker);
      if (!job) return;
      worker.unref();
      this.idle.push(worker);
      if ('image' in answer) job.resolve(answer.image);
      else job.reject(answer.damaged ? new PictureError(answer.error) : new Error(answer.error));
      this.send();
    });
    worker.on('error', (error) => this.finished(worker)?.reject(error));
    worker.on('exit', (code) => {
      const unused = this.idle.indexOf(worker);
      if (unused >= 0) this.idle.splice(unused, 1);
      this.finished(worker)?.reject(new Error(`A thread that reads pictures ended (${code}).`));
      this.send();
    });
    return worker;
  }

  private finished(worker: Worker): Job | undefined {
    const job = this.busy.get(worker);
    this.busy.delete(worker);
    return job;
  }
}
