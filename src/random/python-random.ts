import { Twister, type TwisterState } from './mt19937';

/** Python's `random.Random`, bit for bit. Source: CPython's Modules/_randommodule.c and Lib/random.py. */
export class PythonRandom {
  private readonly twister: Twister;

  /** `random.seed(seed)`. @throws RangeError unless `seed` is an integer (safe, where it is a number). */
  constructor(seed: number | bigint) {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new RangeError(`A seed must be an integer; got ${seed}.`);
    }
    const key: number[] = [];
    for (let rest = seed < 0 ? -BigInt(seed) : BigInt(seed); rest > 0n; rest >>= 32n) {
      key.push(Number(BigInt.asUintN(32, rest)));
    }
    this.twister = Twister.fromKey(key.length === 0 ? [0] : key);
  }

  /** `random.random()`: a double in [0, 1) with 53 random bits. */
  random(): number {
    const high = this.twister.next() >>> 5;
    return (high * 2 ** 26 + (this.twister.next() >>> 6)) / 2 ** 53;
  }

  /** `random.getrandbits(k)` for 0 ≤ k ≤ 53. @throws RangeError for other `k`. */
  getrandbits(k: number): number {
    if (!Number.isInteger(k) || k < 0 || k > 53) {
      throw new RangeError(`getrandbits takes 0 to 53 bits; got ${k}.`);
    }
    if (k === 0) return 0;
    if (k <= 32) return this.twister.next() >>> (32 - k);
    const low = this.twister.next();
    return (this.twister.next() >>> (64 - k)) * 2 ** 32 + low;
  }

  /** `random.randrange(n)`: an integer in [0, n). @throws RangeError unless n is a positive safe integer. */
  randrange(n: number): number {
    if (!Number.isSafeInteger(n) || n <= 0) {
      throw new RangeError(`randrange needs a positive integer; got ${n}.`);
    }
    const bits = n.toString(2).length;
    let value = this.getrandbits(bits);
    while (value >= n) value = this.getrandbits(bits);
    return value;
  }

  /** `random.choice(items)`. @throws RangeError for an empty list. */
  choice<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('Cannot choose from an empty list.');
    return items[this.randrange(items.length)] as T;
  }

  /** `random.shuffle(items)`, in place. */
  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.randrange(i + 1);
      const picked = items[j] as T;
      items[j] = items[i] as T;
      items[i] = picked;
    }
  }

  state(): TwisterState {
    return this.twister.state();
  }

  /** Goes on from a saved state. @throws RangeError for a malformed state. */
  restore(state: TwisterState): void {
    this.twister.restore(state);
  }
}
