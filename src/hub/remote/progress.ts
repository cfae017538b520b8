/** How far a transfer is. */
export interface TransferProgress {
  readonly direction: 'download' | 'upload';
  /** `owner/name`. */
  readonly repo: string;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly files: number;
  readonly totalFiles: number;
  /** Over the last ten seconds or so; 0 while nothing has come. */
  readonly bytesPerSecond: number;
  /** Undefined while the rate is unknown. */
  readonly secondsLeft: number | undefined;
}

export type OnProgress = (progress: TransferProgress) => void;

const WINDOW_MS = 10_000;
const TELL_MS = 100;

/** Adds up what the files of one transfer report; bytes that were there before do not count for the rate. */
export class TransferMeter {
  private bytes = 0;
  private moved = 0;
  private files = 0;
  private told = Number.NEGATIVE_INFINITY;
  private readonly samples: { readonly time: number; readonly moved: number }[] = [];

  constructor(
    private readonly what: Pick<
      TransferProgress,
      'direction' | 'repo' | 'totalBytes' | 'totalFiles'
    >,
    private readonly onProgress: OnProgress = () => undefined,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.samples.push({ time: now(), moved: 0 });
  }

  /** So many bytes more are across; `kept`: they were there already. */
  add(bytes: number, origin: 'moved' | 'kept' = 'moved'): void {
    this.bytes += bytes;
    if (origin === 'moved' && bytes > 0) this.moved += bytes;
    this.tell('soon');
  }

  /** One file more is done. */
  done(): void {
    this.files += 1;
    this.tell('now');
  }

  private tell(moment: 'soon' | 'now'): void {
    const time = this.now();
    if (moment === 'soon' && time - this.told < TELL_MS) return;
    this.told = time;
    this.samples.push({ time, moved: this.moved });
    while (this.samples.length > 2 && time - (this.samples[0]?.time ?? 0) > WINDOW_MS)
      this.samples.shift();
    const { totalBytes } = this.what;
    const bytes = Math.max(0, Math.min(this.bytes, totalBytes));
    const rate = this.rate();
    const secondsLeft = rate > 0 ? (totalBytes - bytes) / rate : undefined;
    this.onProgress({ ...this.what, bytes, files: this.files, bytesPerSecond: rate, secondsLeft });
  }

  private rate(): number {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.time <= first.time) return 0;
    return (1000 * (last.moved - first.moved)) / (last.time - first.time);
  }
}
