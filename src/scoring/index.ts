/** Scores of pictures, and what a comparison of two models may claim. */
export { type BootstrapOptions, bootstrapMean, type Interval } from './bootstrap';
export { clipPixelValues, clipScores } from './clip-score';
export * from './evaluation';
export { type SelectorIdentity, weightsHash } from './identity';
export {
  type ImplicitAccuracyOptions,
  type ImplicitMargins,
  implicitAccuracy,
  implicitMargins,
} from './implicit-accuracy';
export { type LabelWinRateOptions, labelWinRate } from './label-win-rate';
export type { ScorerOptions as SelectorOptions } from './scorer-kinds';
export {
  EMBEDDED_SCORER,
  type KnownScorer,
  SCORERS,
  type ScorerFile,
} from './scorers';
export { type LoadedSelector, loadSelector, type ScoreOptions } from './selector';
export { SELECTOR_NAMES, type SelectorName } from './selector-names';
export { type Variety, variety } from './variety';
export { formatRate, type WinRate, winRate } from './win-rate';
