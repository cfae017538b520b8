import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tensorBytes, watchTensorBytes } from './tensor';

/** The kernel's own account of this process (proc(5)); Linux only. */
const STATUS = '/proc/self/status';
const CLEAR = '/proc/self/clear_refs';

/** Bytes of one line of the account: VmRSS is what is resident now, VmHWM the most since it was cleared. */
function account(line: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] =
    readFileSync(STATUS, 'utf8').match(RegExp(`^${line}:\\s+(\\d+) kB`, 'm')) ?? [];
  if (!kilobytes) throw new Error(`${STATUS} has no line ${line}.`);
  return Number(kilobytes) * 1024;
}

/** Memory that the process, or the tensors in it, held during a piece of work. */
export interface MemoryPeak {
  /** Bytes at the worst moment, of the whole. */
  readonly peak: number;
  /** How far that is above what was held before. */
  readonly growth: number;
}

/** What a piece of work needed, and what came of it. */
export interface MemoryUse<T> extends MemoryPeak {
  readonly value: T;
}

/** Starts an account; the function returned tells the most memory since. Throws Error where there is no /proc. */
export function watchMemory(): () => MemoryPeak {
  if (!existsSync(CLEAR))
    throw new Error(`Peak memory is read from ${STATUS}, which this system does not have.`);
  writeFileSync(CLEAR, '5'); // resets VmHWM to the present size
  const before = account('VmRSS');
  return () => {
    const peak = account('VmHWM');
    return { peak, growth: Math.max(0, peak - before) };
  };
}

/** Runs `fn` and tells the most memory the process had meanwhile. Throws Error where there is no /proc. */
export function peakMemory<T>(fn: () => T): MemoryUse<T> {
  const peak = watchMemory();
  return { value: fn(), ...peak() };
}

/**
 * Runs `fn` and tells the most bytes that live tensors held meanwhile: the same at every run, on any system. What
 * kernels work with inside one operation, and what the allocator keeps, are not in it.
 */
export function peakTensorBytes<T>(fn: () => T): MemoryUse<T> {
  const before = tensorBytes();
  const most = watchTensorBytes();
  const value = fn();
  const peak = most();
  return { value, peak, growth: peak - before };
}
