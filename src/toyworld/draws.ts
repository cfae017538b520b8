/** Anything that gives uniform numbers of [0, 1), such as `TorchGenerator`. */
export interface UniformSource {
  rand(count: number): Float32Array;
}

/** Single random draws, taken in order from blocks of a seeded uniform source. */
export class Draws {
  private block: Float32Array = new Float32Array(0);
  private next = 0;

  /** @param source seeded source; equal sources give equal draws */
  constructor(private readonly source: UniformSource) {}

  /** A uniform number of [low, high). */
  uniform(low = 0, high = 1): number {
    if (this.next === this.block.length) {
      this.block = this.source.rand(1024);
      this.next = 0;
    }
    const u = this.block[this.next++] ?? 0;
    return low + (high - low) * u;
  }

  /** A standard normal number (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** One of the items, each equally likely. Throws `RangeError` for an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('Cannot pick from an empty list.');
    return items[Math.floor(this.uniform() * items.length)] as T;
  }
}
