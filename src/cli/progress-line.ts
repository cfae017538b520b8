import { formatDuration, formatNumber } from '../show/text';

/** Where a line of progress goes: a terminal, where it is redrawn in place, or a file. */
export interface LineTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
const LOG_MS = 10_000;

/** One line that tells how far a job is, at which rate, and how long it still takes. */
export class ProgressLine {
  private readonly started = performance.now();
  private shown = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly label: string,
    private readonly unit: string,
    private readonly target: LineTarget = process.stderr,
  ) {}

  /** Notes that `done` of `total` units are finished; drawn at most ten times a second, logged every ten seconds. */
  update(done: number, total: number): void {
    const now = performance.now();
    const last = done === total;
    const isTerminal = this.target.isTTY === true;
    if (!last && now - this.shown < (isTerminal ? REDRAW_MS : LOG_MS)) return;
    this.shown = now;
    const seconds = Math.max(now - this.started, 1) / 1000;
    const rate = done / seconds;
    const time = last ? formatDuration(seconds) : `${formatDuration((total - done) / rate)} left`;
    const speed =
      rate >= 1 || done === 0
        ? `${formatNumber(rate, 3)} ${this.unit}s/s`
        : `${formatNumber(1 / rate, 3)} s/${this.unit}`;
    const line = `${this.label}: ${this.unit} ${done}/${total} · ${speed} · ${time}`;
    this.target.write(isTerminal ? `\r\x1b[2K${line}${last ? '\n' : ''}` : `${line}\n`);
  }
}
