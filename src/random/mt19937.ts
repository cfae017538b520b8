// The Mersenne Twister, Matsumoto & Nishimura 1998: 624 32-bit words of state, period 2^19937 − 1.

const N = 624;
const M = 397;

/** Position and words of a Mersenne Twister, plain enough for JSON. */
export interface TwisterState {
  readonly words: readonly number[];
  readonly index: number;
}

/** MT19937, the generator beneath PyTorch's CPU generator and Python's `random`. */
export class Twister {
  private readonly words = new Uint32Array(N);
  private index = N;

  /** Seeds from one 32-bit word (`init_genrand`). */
  static fromSeed(seed: number): Twister {
    const twister = new Twister();
    const { words } = twister;
    words[0] = seed >>> 0;
    for (let i = 1; i < N; i++) {
      const previous = at(words, i - 1);
      words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    return twister;
  }

  /** Seeds from a key of 32-bit words (`init_by_array`). */
  static fromKey(key: readonly number[]): Twister {
    const twister = Twister.fromSeed(19650218);
    const { words } = twister;
    let i = 1;
    const advance = () => {
      i += 1;
      if (i < N) return;
      words[0] = at(words, N - 1);
      i = 1;
    };
    for (let k = 0, j = 0; k < Math.max(N, key.length); k++) {
      const mixed = Math.imul(scramble(at(words, i - 1)), 1664525);
      words[i] = (at(words, i) ^ mixed) + at(key, j) + j;
      j = (j + 1) % key.length;
      advance();
    }
    for (let k = 0; k < N - 1; k++) {
      const mixed = Math.imul(scramble(at(words, i - 1)), 1566083941);
      words[i] = (at(words, i) ^ mixed) - i;
      advance();
    }
    words[0] = 0x80000000;
    return twister;
  }

  /** The next tempered word, an integer in [0, 2^32). */
  next(): number {
    if (this.index >= N) this.refill();
    let y = at(this.words, this.index++);
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Goes past `count` words, as `count` calls of `next`. */
  skip(count: number): void {
    let left = count;
    while (left > N - this.index) {
      left -= N - this.index;
      this.refill();
    }
    this.index += left;
  }

  state(): TwisterState {
    return { words: [...this.words], index: this.index };
  }

  /** @throws RangeError unless `state` holds 624 words of 32 bits and an index in 0…624. */
  restore({ words, index }: TwisterState): void {
    const sound = words.length === N && words.every((word) => word >>> 0 === word);
    if (!sound || !Number.isInteger(index) || index < 0 || index > N) {
      throw new RangeError(
        `A Mersenne Twister state needs ${N} 32-bit words and an index in 0…${N}; got ${words.length} words and index ${index}.`,
      );
    }
    this.words.set(words);
    this.index = index;
  }

  private refill(): void {
    const { words } = this;
    for (let i = 0; i < N; i++) {
      const y = (at(words, i) & 0x80000000) | (at(words, (i + 1) % N) & 0x7fffffff);
      words[i] = at(words, (i + M) % N) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.index = 0;
  }
}

const scramble = (word: number): number => word ^ (word >>> 30);

/** An element that the caller knows to exist. */
const at = (words: ArrayLike<number>, i: number): number => words[i] as number;
