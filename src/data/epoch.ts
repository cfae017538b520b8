/** What PyTorch's DataLoader draws at the start of an epoch: the order of the rows and its workers' generators. */
import { type GeneratorState, PythonRandom, TorchGenerator, type TwisterState } from '../random';
import type { BatchRandom } from './batch-draws';

export interface EpochOptions {
  /** `as stored` is the original's for every split but "train". @default 'shuffled' */
  readonly order?: 'shuffled' | 'as stored';
  /**
   * Where a shuffled order comes from: a seed drawn from the generator that training draws from, or a generator that
   * accelerate makes for several processes and nobody seeds, which goes on from epoch to epoch. @default 'from --seed'
   */
  readonly dataOrder?: 'from --seed' | 'fixed seed';
  /**
   * W > 0: batch k draws from worker k mod W, whose generators start from the epoch's base seed plus its number; 0: from
   * the generators that training draws from. @default 0
   */
  readonly dataloaderNumWorkers?: number;
}

/** The two 64-bit numbers drawn, in decimal: all that an epoch's order comes from. */
export interface EpochSeeds {
  readonly baseSeed: string;
  /** Absent where nobody shuffles, or from a fixed seed. */
  readonly samplerSeed?: string;
  /** From a fixed seed: how many permutations its generator had drawn before. */
  readonly permutation?: number;
}

/** Generators of one worker, as JSON. */
export interface WorkerState {
  readonly torch: GeneratorState;
  readonly python: TwisterState;
}

/** `at::default_rng_seed_val`: what a `torch.Generator()` starts from. Source: c10/core/GeneratorImpl.h. */
const DEFAULT_SEED = 67_280_421_310_721n;

/**
 * Source: torch/utils/data/dataloader.py (`_BaseDataLoaderIter`), sampler.py (`RandomSampler`).
 * @param permutation of a fixed seed: how many its generator has drawn
 */
export function drawEpoch(
  generator: TorchGenerator,
  { order = 'shuffled', dataOrder = 'from --seed' }: EpochOptions,
  permutation = 0,
): EpochSeeds {
  const baseSeed = `${generator.random64()}`; // drawn even where no worker reads it
  if (order === 'as stored') return { baseSeed };
  if (dataOrder === 'fixed seed') return { baseSeed, permutation };
  return { baseSeed, samplerSeed: `${generator.random64()}` };
}

/** The order in which n rows are visited. */
export function epochOrder({ samplerSeed, permutation }: EpochSeeds, n: number): Int32Array {
  if (samplerSeed !== undefined) return new TorchGenerator(BigInt(samplerSeed)).randperm(n);
  if (permutation === undefined) return Int32Array.from({ length: n }, (_, i) => i);
  const generator = new TorchGenerator(DEFAULT_SEED);
  generator.skip(permutation * (n - 1)); // a word for every row but the last
  return generator.randperm(n);
}

/** Upstream: torch/utils/data/_utils/worker.py seeds `random` and `torch` with `base_seed + worker_id`. */
export function epochWorkers(
  { baseSeed }: EpochSeeds,
  { dataloaderNumWorkers = 0 }: EpochOptions,
): BatchRandom[] {
  return Array.from({ length: dataloaderNumWorkers }, (_, i) => {
    const seed = BigInt(baseSeed) + BigInt(i);
    return { torch: new TorchGenerator(seed), python: new PythonRandom(seed) };
  });
}
