import type { BenchCase, Precision } from './catalogue';
import { type ForeignLoad, watchLoad } from './load';
import { type Assignment, Peer, type Side } from './peer';
import type { Calibration } from './works';

/** What one side took, in milliseconds. */
export interface Timing {
  readonly side: string;
  readonly median: number;
  /** First and third quartile. */
  readonly quartiles: readonly [number, number];
  readonly least: number;
  /** All of them, in the order they were taken; none where this side was given up after `median`. */
  readonly runs: readonly number[];
  readonly peakBytes: number | undefined;
  /** How far that is above what the process held when it was set up. */
  readonly growthBytes?: number | undefined;
}

/** One case, all sides. */
export interface Measurement {
  /** Ours first. */
  readonly timings: readonly Timing[];
  /** Floating-point operations of one run as PyTorch counts them: products and convolutions, nothing recomputed. */
  readonly operations: number | undefined;
  readonly load: ForeignLoad;
  /** What the weights that were loaded take in float32. */
  readonly weightBytes?: number | undefined;
}

export interface Rounds {
  readonly rounds: number;
  readonly warm_ups: number;
  /** A side is not given up before that, in milliseconds. @default 20 000 */
  readonly leastPatience?: number;
}

/** Linear interpolation between the order statistics. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

function timing(
  side: string,
  runs: readonly number[],
  memory: Pick<Timing, 'peakBytes' | 'growthBytes'>,
  longest = Number.NaN,
): Timing {
  if (runs.length === 0) {
    const quartiles = [longest, longest] as const;
    return { side, median: longest, quartiles, least: longest, runs, peakBytes: undefined };
  }
  const quartiles = [quantile(runs, 0.25), quantile(runs, 0.75)] as const;
  return {
    side,
    median: quantile(runs, 0.5),
    quartiles,
    least: Math.min(...runs),
    runs,
    ...memory,
  };
}

interface Turned extends Omit<Measurement, 'operations'> {
  readonly longest: number;
}

/** The worst of several processes. */
function worstOf(timings: readonly Timing[]): Pick<Timing, 'peakBytes' | 'growthBytes'> {
  const worst = (of: (one: Timing) => number | undefined) => {
    const known = timings.flatMap((one) => of(one) ?? []);
    return known.length > 0 ? Math.max(...known) : undefined;
  };
  return {
    peakBytes: worst(({ peakBytes }) => peakBytes),
    growthBytes: worst(({ growthBytes }) => growthBytes),
  };
}

/** A run of another side may take so many times our own: PyTorch in bfloat16 needs hours on some processors. */
export const PATIENCE = 8;

/** Asks sides for runs; who is given up is not asked again. */
class Turns {
  readonly runs: readonly number[][];
  /** How long other sides than ours may take; known after our first run. */
  longest: number;
  private readonly givenUp = new Set<number>();

  constructor(
    private readonly peers: readonly Peer[],
    private readonly leastPatience: number,
    longest?: number,
  ) {
    this.runs = peers.map(() => []);
    this.longest = longest ?? Number.POSITIVE_INFINITY;
  }

  async round(counts: boolean): Promise<void> {
    for (const [j, peer] of this.peers.entries()) {
      if (this.givenUp.has(j)) continue;
      const ms = await peer.time(this.longest);
      if (ms === undefined) this.giveUp(j);
      else if (counts) this.runs[j]?.push(ms);
      if (ms !== undefined && !Number.isFinite(this.longest))
        this.longest = Math.max(this.leastPatience, PATIENCE * ms);
    }
  }

  private giveUp(j: number): void {
    this.givenUp.add(j);
    this.runs[j]?.splice(0);
  }
}

/** All sides are set up at once and take turns, so that they meet the same machine. */
async function takeTurns(
  sides: readonly Side[],
  assignment: Assignment,
  { rounds, warm_ups, leastPatience = 20_000 }: Rounds,
  longest?: number,
): Promise<Turned> {
  const peers: Peer[] = [];
  try {
    for (const side of sides) {
      const peer = new Peer(side, assignment);
      peers.push(peer);
      await peer.info; // one after the other: setting up takes memory
    }
    const before = peers.map((peer) => peer.bytes('VmRSS'));
    const turns = new Turns(peers, leastPatience, longest);
    for (let i = 0; i < warm_ups; i++) await turns.round(false);
    const load = watchLoad(peers.map(({ pid }) => pid));
    for (let i = 0; i < rounds; i++) await turns.round(true);
    const timings = sides.map(({ name }, j) => {
      const [peakBytes, heldBytes] = [peers[j]?.bytes('VmHWM'), before[j]];
      const growthBytes = peakBytes && heldBytes && peakBytes - heldBytes;
      return timing(name, turns.runs[j] ?? [], { peakBytes, growthBytes }, turns.longest);
    });
    return { timings, load: load(), longest: turns.longest };
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

/** A process for each turn, as two of them would not fit into the memory: one round warms up and times once. */
async function takeTurnsAlone(
  sides: readonly Side[],
  assignment: Assignment,
  { rounds, ...options }: Rounds,
): Promise<Turned> {
  const turns: (Turned & { readonly side: string })[] = [];
  const givenUp = new Set<Side>();
  let longest: number | undefined;
  for (let i = 0; i < rounds; i++)
    for (const side of sides) {
      if (givenUp.has(side)) continue;
      const turn = await takeTurns([side], assignment, { ...options, rounds: 1 }, longest);
      longest ??= turn.longest;
      if (turn.timings[0]?.runs.length === 0) givenUp.add(side);
      turns.push({ side: side.name, ...turn });
    }
  const timings = sides.map((side) => {
    const mine = turns.filter((turn) => turn.side === side.name).flatMap((turn) => turn.timings);
    const runs = givenUp.has(side) ? [] : mine.flatMap((one) => one.runs);
    return timing(side.name, runs, worstOf(mine), longest);
  });
  const loads = turns.map(({ load }) => load);
  const worst = loads.reduce((a, b) => ((b.processors ?? 0) > (a.processors ?? 0) ? b : a));
  return { timings, load: worst, longest: longest ?? Number.POSITIVE_INFINITY };
}

/** What the only answer to an assignment is. */
async function ask(side: Side, assignment: Assignment): Promise<Readonly<Record<string, unknown>>> {
  const peer = new Peer(side, assignment);
  try {
    return await peer.info;
  } finally {
    await peer.stop();
  }
}

/** Runs a case on all sides. */
export async function measure(
  sides: readonly Side[],
  { work, precision, memory }: BenchCase,
  options: Rounds & { readonly folder: string },
): Promise<Measurement> {
  const { folder } = options;
  // a model is loaded once in a process: the second time its memory would already be there
  const warm_ups = work.kind === 'load' ? 0 : options.warm_ups;
  const hasLayout = work.kind !== 'load' && work.kind !== 'first-tensor';
  const taking = hasLayout ? sides : sides.slice(0, 2);
  const [ours, torch] = taking;
  const prepared =
    ours && work.kind === 'load'
      ? await ask(ours, { work, precision, folder, task: 'prepare' })
      : undefined;
  const counted = torch && (await ask(torch, { work, precision, folder, task: 'count' }));
  const take = memory === 'alone' ? takeTurnsAlone : takeTurns;
  const { longest, ...measured } = await take(
    taking,
    { work, precision, folder, task: 'run' },
    { ...options, warm_ups },
  );
  const operations = Number(counted?.operations) || undefined;
  const weightBytes = Number(prepared?.weightBytes) || undefined;
  return { ...measured, operations, weightBytes };
}

const CALIBRATION: Calibration = { kind: 'matrix-product', side: 2048 };

/** Floating-point operations a second in the best run of a large matrix product, whoever ran it. */
export async function measurePeak(sides: readonly Side[], precision: Precision): Promise<number> {
  const assignment: Assignment = { work: CALIBRATION, precision, folder: '', task: 'run' };
  const { timings } = await takeTurns(sides, assignment, { rounds: 10, warm_ups: 3 });
  const least = Math.min(...timings.map((t) => t.least));
  return (2 * CALIBRATION.side ** 3 * 1000) / least;
}
