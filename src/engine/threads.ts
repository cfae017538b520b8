/** How many threads TensorFlow and our kernels get: as many as processors that this process may keep busy. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

type Environment = Readonly<Record<string, string | undefined>>;

/** Contents of a file, undefined where it cannot be read. */
type Read = (path: string) => string | undefined;

const CGROUPS = '/sys/fs/cgroup';

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Quota over period, both in microseconds; no quota is written `max` or −1. */
function processors(quota: string | undefined, period: string | undefined): number {
  const granted = Number(quota) / Number(period);
  return granted > 0 ? granted : Number.POSITIVE_INFINITY;
}

/** What one control group grants by itself: cgroups(7), version 2 (one hierarchy) or 1 (controllers apart). */
function groupQuota(controllers: string, path: string, read: Read): number {
  if (controllers === '') {
    const [quota, period] = read(`${CGROUPS}${path}/cpu.max`)?.trim().split(/\s+/) ?? [];
    return processors(quota, period);
  }
  const folder = `${CGROUPS}/${controllers}${path}`;
  return processors(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`));
}

/**
 * Processors' worth of time that the control groups of this process grant; infinite without a quota. A group is
 * bound by all above it, and a container sees its own group as the root.
 */
export function cgroupQuota(read: Read = readOrNothing): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of read('/proc/self/cgroup')?.trim().split('\n') ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers !== '' && !controllers.split(',').includes('cpu')) continue;
    const folders = path.split('/').filter(Boolean);
    for (let depth = folders.length; depth >= 0; depth--) {
      const ancestor = folders.slice(0, depth).map((folder) => `/${folder}`);
      least = Math.min(least, groupQuota(controllers, ancestor.join(''), read));
    }
  }
  return least;
}

/** Processors that this process may keep busy: affinity and control groups, at least 1. */
export const usableProcessors = (quota = cgroupQuota()) =>
  Math.max(1, Math.floor(Math.min(availableParallelism(), quota)));

function asked(env: Environment, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1024)
    throw new RangeError(`${name} must be a whole number from 1 to 1024, not "${text}".`);
  return count;
}

/** Threads by their use. */
export interface Threads {
  /** Of our own kernels, the calling one included. */
  readonly kernels: number;
  /** That share one TensorFlow operation. */
  readonly intraOp: number;
  /** Of TensorFlow operations side by side. */
  readonly interOp: number;
}

/**
 * One thread for each processor, as more of them wait for each other; one operation at a time, as JavaScript asks for
 * them. DPO_THREADS sets the first two, TensorFlow's own variables win for TensorFlow.
 *
 * @throws RangeError where a variable is not a count
 */
export function threadsFor(
  env: Environment = process.env,
  available = usableProcessors(),
): Threads {
  const kernels = asked(env, 'DPO_THREADS') ?? available;
  return {
    kernels,
    intraOp: asked(env, 'TF_NUM_INTRAOP_THREADS') ?? kernels,
    interOp: asked(env, 'TF_NUM_INTEROP_THREADS') ?? 1,
  };
}

/** Runs `load`, during which TensorFlow reads its thread counts; child processes count for themselves. */
export function withThreads<T>({ intraOp, interOp }: Threads, load: () => T): T {
  const { TF_NUM_INTRAOP_THREADS: intra, TF_NUM_INTEROP_THREADS: inter } = process.env;
  process.env.TF_NUM_INTRAOP_THREADS = String(intraOp);
  process.env.TF_NUM_INTEROP_THREADS = String(interOp);
  try {
    return load();
  } finally {
    restore('TF_NUM_INTRAOP_THREADS', intra);
    restore('TF_NUM_INTEROP_THREADS', inter);
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
