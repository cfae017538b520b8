/** What PyTorch's DataLoader draws at the start of an epoch: the order of the rows and its workers' generators. */
import { type GeneratorState, PythonRandom, TorchGenerator, type TwisterState } from '../random';
import type { BatchRandom } from './batch-draws';

export interface EpochOptions {
  /** `as stored` is the original's for every split but "train". @default 'shuffled' */
  readonly order?: 'shuffled' | 'as stored';
  /**
   * W > 0: batch k draws from worker k mod W, whose generators start from the epoch's base seed plus its number; 0: from
   * the generators that training draws from. @default 0
   */
  readonly dataloaderNumWorkers?: number;
}

/** The two 64-bit numbers drawn, in decimal: all that an epoch's order comes from. */
export interface EpochSeeds {
  readonly baseSeed: string;
  /** Absent where nobody shuffles. */
  readonly samplerSeed?: string;
}

/** Generators of one worker, as JSON. */
export interface WorkerState {
  readonly torch: GeneratorState;
  readonly python: TwisterState;
}

/** Source: torch/utils/data/dataloader.py (`_BaseDataLoaderIter`), sampler.py (`RandomSampler`). */
export function drawEpoch(
  generator: TorchGenerator,
  { order = 'shuffled' }: EpochOptions,
): EpochSeeds {
  const baseSeed = `${generator.random64()}`; // drawn even where no worker reads it
  return order === 'shuffled' ? { baseSeed, samplerSeed: `${generator.random64()}` } : { baseSeed };
}

/** The order in which n rows are visited. */
export function epochOrder({ samplerSeed }: EpochSeeds, n: number): Int32Array {
  if (samplerSeed !== undefined) return new TorchGenerator(BigInt(samplerSeed)).randperm(n);
  return Int32Array.from({ length: n }, (_, i) => i);
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
