import { existsSync, readFileSync, writeFileSync } from 'node:fs';

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

/** What a piece of work needed. */
export interface MemoryUse<T> {
  readonly value: T;
  /** Bytes resident at the worst moment, the whole process. */
  readonly peak: number;
  /** How far that is above what was resident before. */
  readonly growth: number;
}

/** Runs `fn` and tells the most memory the process had meanwhile. Throws Error where there is no /proc. */
export function peakMemory<T>(fn: () => T): MemoryUse<T> {
  if (!existsSync(CLEAR))
    throw new Error(`Peak memory is read from ${STATUS}, which this system does not have.`);
  writeFileSync(CLEAR, '5'); // resets VmHWM to the present size
  const before = account('VmRSS');
  const value = fn();
  const peak = account('VmHWM');
  return { value, peak, growth: Math.max(0, peak - before) };
}
