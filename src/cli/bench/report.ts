import type { BenchCase, Precision } from './catalogue';
import type { Measurement, Timing } from './measure';

/** One case as it is reported. */
export interface Row extends Measurement {
  readonly name: string;
  readonly what: string;
  readonly precision: Precision;
  /** Milliseconds that the counted operations take at the measured peak; convolutions by tiles take fewer operations. */
  readonly floor: number | undefined;
  /** PyTorch's better form. */
  readonly peer: Timing | undefined;
  /** Its median over ours: above 1 we are faster. */
  readonly ratio: number | undefined;
}

/** @param peak floating-point operations a second */
export function rowOf(
  name: string,
  benchCase: BenchCase,
  measured: Measurement,
  peak: number,
): Row {
  const { what, precision } = benchCase;
  const { timings, operations } = measured;
  const [ours, ...others] = timings;
  const [peer] = [...others].sort((a, b) => a.median - b.median);
  const floor = operations === undefined ? undefined : (operations / peak) * 1000;
  const ratio = ours && peer ? peer.median / ours.median : undefined;
  return { name, what, precision, ...measured, floor, peer, ratio };
}

const HEAD = ['case', 'ours, ms', 'PyTorch, ms', 'form', 'ratio', 'floor, ms', 'memory', 'others'];
const WIDTHS = [20, 22, 22, 13, 6, 9, 13, 6];

const line = (cells: readonly string[]) =>
  `| ${cells.map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0)).join(' | ')} |`;

export const tableHead = () => `${line(HEAD)}\n${line(WIDTHS.map((n) => '-'.repeat(n)))}`;

const digits = (ms: number) => ms.toFixed(ms < 100 ? 1 : 0);

function spread(t: Timing | undefined): string {
  if (!t) return '';
  if (t.runs.length === 0) return `over ${digits(t.median)}`;
  return `${digits(t.median)} (${t.quartiles.map(digits).join('–')})`;
}

const gigabytes = (t: Timing | undefined) =>
  t?.peakBytes === undefined ? '–' : (t.peakBytes / 1e9).toFixed(1);

/** Medians with quartiles; peak memory of ours / PyTorch in GB; processors that other work kept busy. */
export function tableRow({ name, timings, peer, ratio, floor, load }: Row): string {
  return line([
    name,
    spread(timings[0]),
    spread(peer),
    peer?.side.replace('PyTorch ', '') ?? '',
    ratio === undefined ? '' : `${peer?.runs.length === 0 ? '> ' : ''}${ratio.toFixed(2)}×`,
    floor === undefined ? '' : digits(floor),
    `${gigabytes(timings[0])} / ${gigabytes(peer)}`,
    load.processors === undefined ? `${load.loadAverage.toFixed(1)}` : load.processors.toFixed(2),
  ]);
}

/** How far loading makes a process grow, the weights in memory being 1; nothing of other cases. */
export function loadingLine({ name, timings, peer, weightBytes }: Row): string | undefined {
  if (weightBytes === undefined) return undefined;
  const times = (t: Timing | undefined) =>
    t?.growthBytes === undefined
      ? 'unknown'
      : `${(t.growthBytes / weightBytes).toFixed(2)} times that`;
  const weights = `${name}: the weights take ${(weightBytes / 1e9).toFixed(2)} GB`;
  const grown = `loading makes the process grow by ${times(timings[0])}, to ${gigabytes(timings[0])} GB`;
  return `${weights}; ${grown}${peer ? `; PyTorch's by ${times(peer)}, to ${gigabytes(peer)} GB` : ''}.`;
}
