import { setTimeout as sleep } from 'node:timers/promises';
import type { Patience } from './settings';

/** Statuses and errors of the network after which the same request may well succeed. */
export function isPassing(outcome: number | Error): boolean {
  if (typeof outcome === 'number') return [408, 425, 429, 500, 502, 503, 504].includes(outcome);
  const { code = '' } = outcome as NodeJS.ErrnoException;
  return PASSING.has(code);
}

const PASSING = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ESTALLED', 'EAI_AGAIN', 'ECONNABORTED'],
  ...['ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT', 'HPE_INVALID_CHUNK_SIZE'],
]);

/** Counts attempts that brought nothing, and waits between them: longer each time, a little at random. */
export class RetryClock {
  private failures = 0;

  constructor(
    private readonly patience: Patience,
    private readonly signal?: AbortSignal,
  ) {}

  /** The last attempt brought something: count anew. */
  progressed(): void {
    this.failures = 0;
  }

  /**
   * Waits before the next attempt.
   * @param retryAfter the server's own wish: seconds, or a date
   * @returns false where there should be none
   */
  async wait(retryAfter?: string): Promise<boolean> {
    const { attempts, backoffMs, longestWaitMs } = this.patience;
    this.failures += 1;
    if (this.failures >= attempts) return false;
    const asked = retryAfter === undefined ? undefined : millisecondsOf(retryAfter);
    if (asked !== undefined && asked > longestWaitMs) return false;
    const own = Math.min(backoffMs * 2 ** (this.failures - 1), longestWaitMs);
    const milliseconds = Math.max(asked ?? 0, own * (0.5 + Math.random() / 2));
    await sleep(milliseconds, undefined, this.signal ? { signal: this.signal } : {}).catch(() =>
      this.signal?.throwIfAborted(),
    );
    return true;
  }
}

function millisecondsOf(retryAfter: string): number | undefined {
  if (/^\d+$/.test(retryAfter)) return 1000 * Number(retryAfter);
  const time = Date.parse(retryAfter);
  return Number.isNaN(time) ? undefined : Math.max(0, time - Date.now());
}
