import { TorchGenerator } from './torch-generator';

/**
 * The order in which PyTorch's `DataLoader(shuffle=True)` visits n rows in one epoch. It draws two int64 from
 * `generator` (the default generator there): the workers' base seed, then the sampler's own seed.
 * Source: torch/utils/data/dataloader.py (`_BaseDataLoaderIter`), sampler.py (`RandomSampler`).
 */
export function shuffledOrder(generator: TorchGenerator, n: number): Int32Array {
  generator.random64(); // base seed: nobody reads it without workers, but it is drawn
  return new TorchGenerator(generator.random64()).randperm(n);
}
