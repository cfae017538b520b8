import { Twister, type TwisterState } from './mt19937';
import { normalsFromUniforms } from './normal';

/** Everything a {@link TorchGenerator} needs to go on from where it is; plain JSON. */
export interface GeneratorState extends TwisterState {
  /** The seed, in decimal. */
  readonly seed: string;
  /** The second normal of a pair whose first was already handed out. */
  readonly nextNormal?: number;
}

/**
 * PyTorch's CPU generator, bit for bit: the same seed gives the same numbers in the same order.
 * Source: ATen/core/MT19937RNGEngine.h, ATen/core/TransformationHelper.h, ATen/native/cpu/DistributionTemplates.h.
 */
export class TorchGenerator {
  private seedUsed = 0n;
  private twister = Twister.fromSeed(0);
  private nextNormal: number | undefined;

  /** @param seed an integer; only its low 32 bits matter, as in `torch.manual_seed`. */
  constructor(seed: number | bigint) {
    this.manualSeed(seed);
  }

  get seed(): bigint {
    return this.seedUsed;
  }

  /** Starts again from `seed`. @throws RangeError unless it is a safe integer or a 64-bit bigint. */
  manualSeed(seed: number | bigint): void {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new RangeError(`A seed must be an integer; got ${seed}.`);
    }
    const wide = BigInt(seed);
    if (wide < -(2n ** 63n) || wide >= 2n ** 64n) {
      throw new RangeError(`A seed must fit in 64 bits; got ${wide}.`);
    }
    this.seedUsed = BigInt.asUintN(64, wide);
    this.twister = Twister.fromSeed(Number(BigInt.asUintN(32, wide)));
    this.nextNormal = undefined;
  }

  /** `torch.rand(n)`: float32 uniforms in [0, 1). */
  rand(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => this.uniform32());
  }

  /** `torch.randn(n)` into contiguous memory: float32 standard normals. */
  randn(n: number): Float32Array {
    if (n < 16) return this.randnSerial(n);
    const x = this.rand(n);
    normalsFromUniforms(x, () => this.uniform32());
    return x;
  }

  /**
   * `normal_()` of a tensor that is not contiguous (channels_last: in memory order N, H, W, C), and of fewer than 16
   * elements: double arithmetic, two words a value, values in pairs of which the second waits for the next call.
   */
  randnSerial(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => this.normal64());
  }

  /**
   * `torch.randint(low, high, (n,))`: integers in [low, high).
   * @throws RangeError unless low < high and both fit in an int32.
   */
  randint(low: number, high: number, n: number): Int32Array {
    if ((low | 0) !== low || (high | 0) !== high || low >= high) {
      throw new RangeError(`randint needs int32 bounds with low < high; got ${low} and ${high}.`);
    }
    return Int32Array.from({ length: n }, () => low + this.below(high - low));
  }

  /**
   * `torch.randperm(n)`: the integers 0…n−1 in random order.
   * @throws RangeError for n ≥ 2^32 / 20, where PyTorch draws in another way.
   */
  randperm(n: number): Int32Array {
    if (n >= 0xffffffff / 20)
      throw new RangeError(`randperm takes fewer than 2^32 / 20 elements; got ${n}.`);
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i++) {
      const j = i + (this.twister.next() % (n - i));
      const picked = order[j] as number;
      order[j] = order[i] as number;
      order[i] = picked;
    }
    return order;
  }

  /** `torch.empty((), dtype=torch.int64).random_()`: an integer in [0, 2^63). */
  random64(): bigint {
    return BigInt.asUintN(63, this.word64());
  }

  /** Goes past `words` 32-bit words: draws of a known number that nobody needs. A waiting normal stays. */
  skip(words: number): void {
    this.twister.skip(words);
  }

  state(): GeneratorState {
    const { nextNormal } = this;
    const state = { seed: this.seedUsed.toString(), ...this.twister.state() };
    return nextNormal === undefined ? state : { ...state, nextNormal };
  }

  /** Goes on from a saved state. @throws RangeError for a malformed state. */
  restore(state: GeneratorState): void {
    this.manualSeed(BigInt(state.seed));
    this.twister.restore(state);
    this.nextNormal = state.nextNormal;
  }

  private uniform32(): number {
    return (this.twister.next() & 0xffffff) * 2 ** -24;
  }

  private uniform64(): number {
    const high = this.twister.next() & 0x1fffff;
    return (high * 2 ** 32 + this.twister.next()) * 2 ** -53;
  }

  private word64(): bigint {
    const high = BigInt(this.twister.next()) << 32n;
    return high | BigInt(this.twister.next());
  }

  private below(range: number): number {
    if (range < WIDE_RANGE) return this.twister.next() % range;
    return Number(this.word64() % BigInt(range));
  }

  private normal64(): number {
    const waiting = this.nextNormal;
    this.nextNormal = undefined;
    if (waiting !== undefined) return waiting;
    const u1 = this.uniform64();
    const u2 = this.uniform64();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    const theta = 2 * Math.PI * u1;
    this.nextNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }
}

/** From this range on PyTorch spends 64 bits on an integer, so that the remainder's skew stays small. */
const WIDE_RANGE = 2 ** 28;
