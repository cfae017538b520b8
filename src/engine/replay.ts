import { createHandle, deleteHandle, execute, type Output } from './backend';
import type { PlannedCall } from './dry-run';
import type { Abstract } from './dry-shapes';
import { dtypeNumbers, sizeOf } from './dtype';
import { callTyped, dtype, zeroFilled } from './ops/call';
import { outsideScopes, type Tensor, tidy } from './tensor';

/** What is done once, when weights are allocated. */
const ONCE = new Set(['DpoBuffer', 'DpoView']);

/**
 * How often each kind of call is made: the first time it also makes oneDNN's primitives and takes memory from the
 * system, which is little of a long one.
 */
const RUNS = 3;
const LONG_SECONDS = 0.05;

const f32 = { T: dtype('float32') };

/** Flat buffers are cut to this many numbers, and the time taken for as much more. */
const LONGEST = 2 ** 22;

const floats: Readonly<Record<number, 'float32' | 'bfloat16'>> = {
  [dtypeNumbers.float32]: 'float32',
  [dtypeNumbers.bfloat16]: 'bfloat16',
};

/** How much longer than what is replayed the flat buffers of a call are. */
const excess = ({ inputs }: PlannedCall) =>
  Math.max(1, ...inputs.map(({ shape }) => (shape.length === 1 ? (shape[0] ?? 0) / LONGEST : 1)));

export interface ReplayOptions {
  /** Seconds after which the kinds of calls that are left are no longer made. @default 20 */
  readonly limit?: number;
  /** In seconds. @default the machine's */
  readonly clock?: () => number;
}

/**
 * Seconds that the calls of a dry run would take, from this machine, now: each kind of call is made on tensors of its
 * shapes, a long one once, a short one three times of which the fastest counts, and is multiplied by how often it
 * comes. The largest come first; what is left at the limit is taken to cost, for each number read, as much as the
 * operation did at the sizes before.
 */
export function replay(calls: readonly PlannedCall[], options: ReplayOptions = {}): number {
  const { limit = 20, clock = () => performance.now() / 1000 } = options;
  const end = clock() + limit;
  const own = overhead();
  const rates = new Rates();
  const repeated = calls.filter(({ name }) => !ONCE.has(name));
  const byWeight = repeated.sort((a, b) => b.times * numbersIn(b) - a.times * numbersIn(a));
  let total = 0;
  for (const call of byWeight) {
    const expected = clock() < end ? undefined : rates.of(call);
    const seconds = expected ?? secondsOf(call, clock);
    if (expected === undefined) rates.add(call, seconds);
    total += call.times * (own + seconds);
  }
  return total;
}

/** Numbers that a call reads. */
const numbersIn = ({ inputs }: PlannedCall) =>
  inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** What operations took for each number that they read. */
class Rates {
  private readonly known = new Map<string, { seconds: number; numbers: number }>();

  add(call: PlannedCall, seconds: number): void {
    const { seconds: before, numbers } = this.known.get(call.name) ?? { seconds: 0, numbers: 0 };
    const all = { seconds: before + seconds, numbers: numbers + numbersIn(call) };
    this.known.set(call.name, all);
  }

  /** Undefined for an operation that was not made yet. */
  of(call: PlannedCall): number | undefined {
    const known = this.known.get(call.name);
    return known && (known.seconds / Math.max(1, known.numbers)) * numbersIn(call);
  }
}

/** Seconds that the engine itself adds to each operation: a tensor in a scope. */
function overhead(times = 2000): number {
  const x = outsideScopes(() => zeroFilled([1]));
  const call: PlannedCall = { name: 'Neg', attributes: f32, inputs: [], outputs: 1, times };
  const run = () => {
    const start = performance.now();
    tidy(() => {
      for (let i = 0; i < times; i++) callTyped('Neg', [x]);
    });
    return (performance.now() - start) / 1000;
  };
  const bare = () => {
    const results: Output[] = [];
    const seconds = Array.from({ length: times }, () => time(call, [x.id], results));
    for (const { id } of results) deleteHandle(id);
    return seconds.reduce((sum, t) => sum + t, 0);
  };
  const seconds = Math.min(run(), run()) - Math.min(bare(), bare());
  x.dispose();
  return Math.max(0, seconds / times);
}

function secondsOf(call: PlannedCall, clock: () => number): number {
  const factor = excess(call);
  const made = call.inputs.map(stand);
  const results: Output[] = []; // kept to the end: a step, too, writes to memory that is in no cache
  const ids = made.map((input) => (typeof input === 'number' ? input : input.id));
  try {
    const runs: number[] = [];
    while (runs.length < RUNS && Math.max(0, ...runs) < LONG_SECONDS)
      runs.push(time(call, ids, results, clock));
    return factor * Math.min(...runs);
  } finally {
    for (const { id } of results) deleteHandle(id);
    for (const input of made)
      if (typeof input === 'number') deleteHandle(input);
      else input.dispose();
  }
}

/** A real tensor in place of an abstract one. */
function stand({ shape, dtype, data }: Abstract): Tensor | number {
  const type = floats[dtype];
  if (dtype === dtypeNumbers.int32)
    return createHandle(shape, dtype, data ? Int32Array.from(data) : new Int32Array(sizeOf(shape)));
  if (data && type === 'float32') return createHandle(shape, dtype, Float32Array.from(data));
  if (!type) return createHandle(shape, dtype, new Uint8Array(sizeOf(shape)));
  const cut = shape.length === 1 ? [Math.min(shape[0] ?? 0, LONGEST)] : shape;
  return outsideScopes(() => zeroFilled(cut, type));
}

function time(
  { name, attributes, outputs }: PlannedCall,
  ids: readonly number[],
  results: Output[],
  clock = () => performance.now() / 1000,
): number {
  const start = clock();
  const made = execute(name, attributes, ids, outputs);
  const seconds = clock() - start;
  results.push(...made);
  return seconds;
}
