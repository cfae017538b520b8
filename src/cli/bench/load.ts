/** What else the machine did meanwhile: timings taken beside other work are doubtful. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

const TICKS = 100; // of /proc/stat, a second

/** Processor seconds of a process and of the children it has waited for (proc(5), fields 14 to 17). */
function ownSeconds(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** Processor seconds that the machine has worked. */
function busySeconds(): number {
  const milliseconds = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq);
  return milliseconds.reduce((a, b) => a + b, 0) / 1000;
}

/** What other processes took while something was measured. */
export interface ForeignLoad {
  /** Processors that others kept busy, on average; undefined where there is no /proc. */
  readonly processors: number | undefined;
  /** Of the last minute. */
  readonly loadAverage: number;
}

/** Begins to watch; the result tells what others than these processes did since. */
export function watchLoad(pids: readonly number[]): () => ForeignLoad {
  const known = existsSync('/proc/self/stat');
  const own = () => [process.pid, ...pids].reduce((sum, pid) => sum + ownSeconds(pid), 0);
  const [start, busy, mine] = [performance.now(), busySeconds(), own()];
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const foreign = (busySeconds() - busy - (own() - mine)) / seconds;
    const [loadAverage = 0] = loadavg();
    return { processors: known ? Math.max(0, foreign) : undefined, loadAverage };
  };
}
