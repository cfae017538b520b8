/** The main thread's side of the thread that knows TypeScript. */
import type { Worker } from 'node:worker_threads';
import type { CompiledCell } from './cell-compiler';
import type { LanguageRequest } from './language';

const CLOSE_LIMIT_MS = 300;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class Language {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', ({ id, ...result }: { id: number; value?: unknown; error?: unknown }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if ('error' in result) waiting?.reject(result.error);
      else waiting?.resolve(result.value);
    });
    worker.once('error', fail);
  }

  /** Checks and converts a cell, and takes what it declares for known. */
  compile(code: string): Promise<CompiledCell> {
    return this.#ask({ kind: 'compile', code });
  }

  /** The cell compiled last has failed: these of its names it did not set, they are what they were. */
  settle(unset: readonly string[]): Promise<void> {
    return this.#ask({ kind: 'settle', unset });
  }

  /** Gives it the time to keep what makes the next start faster. */
  async close(): Promise<void> {
    const limit = new Promise((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS));
    await Promise.race([this.#ask({ kind: 'close' }), limit]);
  }

  #ask<T>(request: LanguageRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(++this.#count, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker.postMessage({ id: this.#count, request });
    });
  }
}

/** Without its compiler a kernel is of no use. */
function fail(error: Error): void {
  process.removeAllListeners('uncaughtException');
  throw error;
}
