/** File operations that stop or fail at a chosen point, in this process; none is synced. */
import fs, { type FileHandle } from 'node:fs/promises';

/** What happens at the chosen operation: it never ends, as in a process that was killed, or it fails. */
export type Fault = 'killed' | 'disk full';

type Operation = (...args: never[]) => Promise<unknown>;
type Operations = Record<string, Operation>;

const OF_MODULE = ['open', 'rename', 'rm', 'mkdir'];
const OF_HANDLE = ['write', 'writeFile', 'sync'];

/**
 * Runs `fn` and lets its operation number `at` (from 0) fail, or hang as nothing of a killed process goes on.
 * @returns 'ended', 'killed', or the error; and how many operations were begun
 */
export async function withFaultAt(
  at: number,
  fault: Fault,
  fn: () => Promise<unknown>,
): Promise<{ readonly outcome: 'ended' | 'killed' | Error; readonly operations: number }> {
  let operations = 0;
  let die: (outcome: 'killed') => void = () => undefined;
  const death = new Promise<'killed'>((resolve) => {
    die = resolve;
  });
  const opened: FileHandle[] = [];
  const faulty = (operation: Operation, name: string): Operation =>
    async function (this: unknown, ...args: never[]) {
      const turn = operations++;
      if (turn < at) {
        if (name === 'sync') return undefined; // slow, and nobody cuts the power
        const result = await operation.apply(this, args);
        if (name === 'open') opened.push(result as FileHandle);
        return result;
      }
      if (fault === 'killed') {
        die('killed');
        return new Promise(() => undefined); // nor does anything after it happen
      }
      if (turn > at) return operation.apply(this, args);
      const message = 'ENOSPC: no space left on device, write';
      return Promise.reject(
        Object.assign(new Error(message), { code: 'ENOSPC', syscall: 'write' }),
      );
    };
  const restore = await patch(faulty);
  try {
    const ended = fn().then(
      () => 'ended' as const,
      (error: Error) => error,
    );
    return { outcome: await Promise.race([ended, death]), operations };
  } finally {
    restore();
    for (const handle of opened) await handle.close().catch(() => undefined); // most are closed
  }
}

async function patch(
  faulty: (operation: Operation, name: string) => Operation,
): Promise<() => void> {
  const handle = await fs.open(__filename, 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const places = [
    ...OF_MODULE.map((name) => [fs as unknown as Operations, name] as const),
    ...OF_HANDLE.map((name) => [prototype as unknown as Operations, name] as const),
  ];
  const originals = places.map(([owner, name]) => owner[name] as Operation);
  places.forEach(([owner, name], i) => {
    owner[name] = faulty(originals[i] as Operation, name);
  });
  return () => {
    places.forEach(([owner, name], i) => {
      owner[name] = originals[i] as Operation;
    });
  };
}
