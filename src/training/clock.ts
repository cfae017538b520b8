/** Rate and time left of a loop whose length is known. */
export class Clock {
  private readonly start = performance.now();
  private done = 0;

  /** @param total units the loop will do */
  constructor(private readonly total: number) {}

  /** Notes `units` as done. */
  tick(units = 1): void {
    this.done += units;
  }

  get seconds(): number {
    return (performance.now() - this.start) / 1000;
  }

  /** Units per second so far. */
  get rate(): number {
    return this.done / Math.max(this.seconds, 1e-9);
  }

  /** Seconds until the total is reached at the rate so far. */
  get secondsLeft(): number {
    return this.done === 0 ? Number.NaN : (this.total - this.done) / this.rate;
  }
}
