// numpy's `default_rng(seed).permutation(n)`: SeedSequence → PCG64 → Fisher–Yates with masked rejection.
// Sources: numpy/random/bit_generator.pyx (SeedSequence), src/pcg64/pcg64.h (XSL-RR, O'Neill 2014),
// src/distributions/distributions.c (random_interval).

const mul = Math.imul;

/**
 * `numpy.random.default_rng(seed).permutation(n)`, which is also the order of a `datasets` shuffle with that seed.
 * @throws RangeError unless `seed` is a non-negative integer and 0 ≤ n < 2^31.
 */
export function numpyPermutation(seed: number | bigint, n: number): Int32Array {
  if ((n | 0) !== n || n < 0) throw new RangeError(`A permutation needs 0 ≤ n < 2^31; got ${n}.`);
  const nextWord = pcg64Words(seedWords(seed));
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = interval(nextWord, i);
    const picked = order[j] as number;
    order[j] = order[i] as number;
    order[i] = picked;
  }
  return order;
}

/** A uniform integer in 0…max, by masking a word and drawing again while it is too big. */
function interval(nextWord: () => number, max: number): number {
  const mask = 0xffffffff >>> Math.clz32(max);
  let value = (nextWord() & mask) >>> 0;
  while (value > max) value = (nextWord() & mask) >>> 0;
  return value;
}

/** The 32-bit words of PCG64, the low half of each 64-bit output first. */
function pcg64Words([a, b, c, d]: readonly [bigint, bigint, bigint, bigint]): () => number {
  const multiplier = 0x2360ed051fc65da44385df649fccf645n;
  const increment = BigInt.asUintN(128, (((c << 64n) | d) << 1n) | 1n);
  const step = (s: bigint) => BigInt.asUintN(128, s * multiplier + increment);
  let state = step(increment + ((a << 64n) | b));
  let high: number | undefined;

  return () => {
    if (high !== undefined) {
      const word = high;
      high = undefined;
      return word;
    }
    state = step(state);
    const rotation = state >> 122n;
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state);
    const output = BigInt.asUintN(64, (folded >> rotation) | (folded << (64n - rotation)));
    high = Number(output >> 32n);
    return Number(BigInt.asUintN(32, output));
  };
}

/** `SeedSequence(seed).generate_state(4, uint64)`. */
function seedWords(seed: number | bigint): readonly [bigint, bigint, bigint, bigint] {
  const pool = entropyPool(entropyWords(seed));
  let hash = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % 4] as number) ^ hash;
    hash = mul(hash, 0x58f38ded);
    value = mul(value, hash);
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  const wide = (i: number) => ((words[2 * i + 1] as bigint) << 32n) | (words[2 * i] as bigint);
  return [wide(0), wide(1), wide(2), wide(3)];
}

function entropyWords(seed: number | bigint): number[] {
  if (seed < 0 || (typeof seed === 'number' && !Number.isSafeInteger(seed))) {
    throw new RangeError(`A numpy seed must be a non-negative integer; got ${seed}.`);
  }
  const words: number[] = [];
  for (let rest = BigInt(seed); rest > 0n; rest >>= 32n) {
    words.push(Number(BigInt.asUintN(32, rest)));
  }
  return words.length === 0 ? [0] : words;
}

/** Mixes the seed's words into four. */
function entropyPool(entropy: readonly number[]): number[] {
  let hash = 0x43b0d7e5;
  const hashed = (word: number) => {
    let value = word ^ hash;
    hash = mul(hash, 0x931e8875);
    value = mul(value, hash);
    return value ^ (value >>> 16);
  };
  const mix = (x: number, y: number) => {
    const value = mul(x, 0xca01f9dd) - mul(y, 0x4973f715);
    return value ^ (value >>> 16);
  };

  const pool = Array.from({ length: 4 }, (_, i) => hashed(entropy[i] ?? 0));
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source === target) continue;
      pool[target] = mix(pool[target] as number, hashed(pool[source] as number));
    }
  }
  for (const word of entropy.slice(4)) {
    for (let target = 0; target < 4; target++) {
      pool[target] = mix(pool[target] as number, hashed(word));
    }
  }
  return pool;
}
