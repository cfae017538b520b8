/** The losses of preference training. */
export { type DpoOptions, type DpoTerms, dpoLoss } from './dpo';
export { dspoLoss } from './dspo';
export { hingeLoss } from './hinge';
export {
  agreement,
  type ImplicitReward,
  type ImplicitRewardOptions,
  implicitReward,
  type Ties,
} from './implicit-reward';
export { ipoLoss } from './ipo';
export { type Halo, type KtoOptions, type KtoTerms, ktoLoss } from './kto';
export type { LossTerms } from './loss-terms';
export {
  type LossOptions,
  type PreferenceLoss,
  type PreferenceLossName,
  preferenceLosses,
  type ReferenceFreeLoss,
  type ReferenceLoss,
} from './losses';
export { type MapoOptions, type MapoTerms, mapoLoss } from './mapo';
export { forBothImages, perRowMse, splitPair } from './pair';
export { sftLoss } from './sft';
