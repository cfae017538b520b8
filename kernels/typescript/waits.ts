/** Waits of a cell that is stopped: requests and pauses are rejected, timers no longer fire once it has ended. */
import timers from 'node:timers/promises';
import type { Execution } from './execution';

/**
 * What a stopped cell begins while it unwinds, to save its work, is left alone.
 * @param here - the execution that the calling code belongs to
 */
export function stopWaits(here: () => Execution | undefined): void {
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) stopTimer(name, here);
  const { fetch } = globalThis;
  replace(globalThis, 'fetch', (input: never, init: RequestInit = {}) => {
    const execution = here();
    if (execution === undefined || execution.isUnwinding) return fetch(input, init);
    return fetch(input, { ...init, signal: either(execution.signal, init.signal ?? undefined) });
  });
  const pause = timers.setTimeout;
  replace(
    timers,
    'setTimeout',
    (ms: number, value: unknown, options: { signal?: AbortSignal } = {}) => {
      const execution = here();
      if (execution === undefined || execution.isUnwinding) return pause(ms, value, options);
      return pause(ms, value, { ...options, signal: either(execution.signal, options.signal) });
    },
  );
}

type Timer = 'setTimeout' | 'setInterval' | 'setImmediate';
type Start = (callback: (...args: unknown[]) => void, ...rest: unknown[]) => NodeJS.Timeout;

/** A timer begun before its cell was stopped does nothing once that has ended. */
function stopTimer(name: Timer, here: () => Execution | undefined): void {
  const start = globalThis[name] as unknown as Start;
  const stoppable: Start = (callback, ...rest) => {
    const execution = here();
    if (execution === undefined || execution.isUnwinding || typeof callback !== 'function')
      return start(callback, ...rest);
    const timer = start(
      (...args) => {
        if (!execution.isOver) callback(...args);
        else if (name === 'setInterval') clearInterval(timer);
      },
      ...rest,
    );
    return timer;
  };
  replace(globalThis, name, stoppable);
}

function either(cell: AbortSignal, own: AbortSignal | undefined): AbortSignal {
  return own === undefined ? cell : AbortSignal.any([cell, own]);
}

/** Puts a function in the place of another, whose own properties (`util.promisify`'s among them) it takes over. */
function replace(owner: object, name: string, substitute: (...args: never[]) => unknown): void {
  const original: unknown = Reflect.get(owner, name);
  Object.defineProperties(substitute, Object.getOwnPropertyDescriptors(original as object));
  Reflect.set(owner, name, substitute);
}
