import type { Parameters } from '../engine';

/** What stands in a `config.json`. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** A network: what shape it has, its numbers, and the same numbers as a tree to compute with. */
export interface Model<C, P> {
  readonly config: C;
  /** The numbers as one list of named weights: to load, save, count and update them. */
  readonly parameters: Parameters;
  /** The same tensors as a tree of properties named by their state-dict keys. */
  readonly p: P;
}
