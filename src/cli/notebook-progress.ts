/** What a terminal shows while a notebook runs: one line that lives, one for each chapter done. */
import { formatDuration } from '../show/text';
import type { LineTarget } from './progress-line';
import type { CellPlace } from './run-notebook';

const REDRAW_MS = 100;
const LOG_MS = 10_000;

/** Where the output is no terminal, a line is printed every ten seconds instead of redrawn. */
export class NotebookProgress {
  readonly #target: LineTarget;
  readonly #width: number;
  #heading = '';
  #headingStarted = Date.now();
  #drawn = 0;

  constructor(target: LineTarget & { readonly columns?: number } = process.stdout) {
    this.#target = target;
    this.#width = target.columns ?? 100;
  }

  cell({ heading, number, count }: CellPlace): void {
    if (heading !== this.#heading) {
      this.#endHeading();
      this.#heading = heading;
      this.#headingStarted = Date.now();
    }
    this.#draw(`[${number}/${count}] ${heading}`, REDRAW_MS);
  }

  /** The last line of what a cell shows. */
  text(text: string, { number, count, heading }: CellPlace): void {
    const last = text.split('\n').at(-1) ?? '';
    this.#draw(`[${number}/${count}] ${heading} · ${last}`, REDRAW_MS);
  }

  end(): void {
    this.#endHeading();
    if (this.#target.isTTY) this.#target.write('\r\u001b[2K');
  }

  #draw(line: string, pause: number): void {
    const now = Date.now();
    const isTerminal = this.#target.isTTY === true;
    if (now - this.#drawn < (isTerminal ? pause : LOG_MS)) return;
    this.#drawn = now;
    const cut = line.length < this.#width ? line : `${line.slice(0, this.#width - 2)}…`;
    this.#target.write(isTerminal ? `\r\u001b[2K${cut}` : `${line}\n`);
  }

  #endHeading(): void {
    if (this.#heading === '') return;
    const seconds = (Date.now() - this.#headingStarted) / 1000;
    const clear = this.#target.isTTY ? '\r\u001b[2K' : '';
    this.#target.write(`${clear}✓ ${this.#heading} (${formatDuration(seconds)})\n`);
  }
}
