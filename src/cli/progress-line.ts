import { formatDuration, formatNumber } from '../show/text';

/** Where a line of progress goes: a terminal, where it is redrawn in place, or a file. */
export interface LineTarget {
  readonly isTTY?: boolean;
  /** Width of a terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
const LOG_MS = 10_000;
const CLEAR = '\r\x1b[2K';

/** A line that is drawn again and again: at most ten times a second on a terminal, every ten seconds in a file. */
export class LiveLine {
  private shownAt = Number.NEGATIVE_INFINITY;
  /** What stands on the terminal without an end of line. */
  private open = '';

  constructor(private readonly target: LineTarget) {}

  /** @param moment the 'last' text is always shown, and stays */
  show(text: () => string, moment: 'running' | 'last'): void {
    const now = performance.now();
    const isTerminal = this.target.isTTY === true;
    const isSoon = now - this.shownAt < (isTerminal ? REDRAW_MS : LOG_MS);
    if (moment === 'running' && isSoon) return;
    this.shownAt = now;
    if (!isTerminal) {
      this.target.write(`${text()}\n`);
      return;
    }
    const line = this.fitted(text());
    this.open = moment === 'last' ? '' : line;
    this.target.write(`${CLEAR}${line}${moment === 'last' ? '\n' : ''}`);
  }

  /** Writes a line of its own, above the live one. */
  note(text: string): void {
    this.target.write(this.open === '' ? `${text}\n` : `${CLEAR}${text}\n${this.open}`);
  }

  /** Leaves what is shown where it is; other output goes below it. */
  end(): void {
    if (this.open !== '') this.target.write('\n');
    this.open = '';
  }

  /** A line that wraps could not be redrawn in place. */
  private fitted(text: string): string {
    const { columns } = this.target;
    return columns === undefined || text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
  }
}

/** One line that tells how far a job is, at which rate, and how long it still takes. */
export class ProgressLine {
  private readonly started = performance.now();
  private readonly line: LiveLine;

  constructor(
    private readonly label: string,
    private readonly unit: string,
    target: LineTarget = process.stderr,
  ) {
    this.line = new LiveLine(target);
  }

  /** Notes that `done` of `total` units are finished. */
  update(done: number, total: number): void {
    this.line.show(() => this.text(done, total), done === total ? 'last' : 'running');
  }

  private text(done: number, total: number): string {
    const seconds = Math.max(performance.now() - this.started, 1) / 1000;
    const rate = done / seconds;
    const time =
      done === total ? formatDuration(seconds) : `${formatDuration((total - done) / rate)} left`;
    const speed =
      rate >= 1 || done === 0
        ? `${formatNumber(rate, 3)} ${this.unit}s/s`
        : `${formatNumber(1 / rate, 3)} s/${this.unit}`;
    return `${this.label}: ${this.unit} ${done}/${total} · ${speed} · ${time}`;
  }
}
