/** Event files that TensorBoard opens. */
import { closeSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { appendAll } from './append';
import { encodeEvent, frameRecord, type SummaryValue } from './tensorboard-events';

export interface TensorBoardOptions {
  /** The step that an interrupted run goes on from: TensorBoard then forgets what it had recorded beyond it. */
  readonly resumeAt?: number;
  /** Seconds since 1970. @default the clock */
  readonly now?: () => number;
}

const PREFIX = 'events.out.tfevents.';

/** Writes one event file; every event has left the process when a method returns. */
export class TensorBoardWriter {
  readonly path: string;
  readonly descriptor: number;
  private readonly now: () => number;

  /** Makes a new file in `folder`, which is made where it is missing. */
  constructor(
    folder: string,
    { resumeAt, now = () => Date.now() / 1000 }: TensorBoardOptions = {},
  ) {
    this.now = now;
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, nextName(folder, now()));
    this.descriptor = openSync(this.path, 'wx');
    const first = { wallTime: now(), fileVersion: 'brain.Event:2' };
    this.write(encodeEvent({ ...first, writer: 'diffusion-dpo' }));
    if (resumeAt === undefined) return;
    const next = resumeAt + 1; // events of this step and later ones are purged
    this.write(encodeEvent({ wallTime: now(), step: next, sessionLog: 'start' }));
  }

  /** Figures of one step, each under its name. */
  scalars(step: number, figures: Readonly<Record<string, number>>): void {
    this.add(step, ...Object.entries(figures).map(([tag, scalar]) => ({ tag, scalar })));
  }

  /** A text, shown as Markdown. */
  text(tag: string, text: string, step = 0): void {
    this.add(step, { tag: `${tag}/text_summary`, text });
  }

  /** A picture. @throws RangeError unless it is a PNG */
  image(tag: string, step: number, png: Uint8Array): void {
    this.add(step, { tag, png });
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private add(step: number, ...values: readonly SummaryValue[]): void {
    this.write(encodeEvent({ wallTime: this.now(), step, values }));
  }

  private write(event: Buffer): void {
    appendAll(this, frameRecord(event));
  }
}

/** TensorBoard reads the files of a folder in the order of their names: a new one must come last. */
function nextName(folder: string, now: number): string {
  const times = readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => Number.parseInt(name.slice(PREFIX.length), 10) || 0);
  const time = Math.max(Math.floor(now), ...times.map((t) => t + 1));
  return `${PREFIX}${String(time).padStart(10, '0')}.diffusion-dpo`;
}
