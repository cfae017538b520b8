/** What is published, in order and complete: a socket that is full is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publisher } from 'zeromq';
import type { Frames } from './wire';

const FULL_BYTES = 4 << 20;
const RETRY_MS = 5;

export class Outbox {
  readonly #socket: Publisher;
  readonly #waiting: Frames[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  /** @param socket - one that refuses what it has no room for (`noDrop`) */
  constructor(socket: Publisher) {
    this.#socket = socket;
  }

  /** Whether whoever can wait should. */
  get isFull(): boolean {
    return this.#bytes > FULL_BYTES;
  }

  push(frames: Frames): void {
    if (this.#isClosed) return;
    this.#waiting.push(frames);
    this.#bytes += size(frames);
    this.#sending ??= this.#send();
  }

  /** Closes the socket once everything has been handed to it, after `limitMs` in any case; what comes later is lost. */
  async close(limitMs: number): Promise<void> {
    await Promise.race([this.#sending, sleep(limitMs)]);
    this.#isClosed = true;
    this.#socket.close();
  }

  async #send(): Promise<void> {
    for (let frames = this.#waiting.shift(); frames; frames = this.#waiting.shift()) {
      while (!this.#isClosed && !(await this.#accepts(frames))) await sleep(RETRY_MS);
      this.#bytes -= size(frames);
    }
    this.#sending = undefined;
  }

  async #accepts(frames: Frames): Promise<boolean> {
    try {
      await this.#socket.send(frames);
      return true;
    } catch (error) {
      // A publisher that drops nothing reports a slow subscriber so; zeromq.js does not wait for room.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    }
  }
}

const size = (frames: Frames) => frames.reduce((sum, part) => sum + part.length, 0);
