/** Scores of pictures, and what a comparison of two models may claim. */
export { type BootstrapOptions, bootstrapMean, type Interval } from './bootstrap';
export { clipPixelValues, clipScores } from './clip-score';
export { type ImplicitAccuracyOptions, implicitAccuracy } from './implicit-accuracy';
export { type LabelWinRateOptions, labelWinRate } from './label-win-rate';
export {
  clipSelector,
  EMBEDDED_SCORER,
  type OpenedSelector,
  ORIGINAL_SELECTORS,
  openSelector,
} from './selector';
export { type Variety, variety } from './variety';
export { formatRate, type WinRate, winRate } from './win-rate';
