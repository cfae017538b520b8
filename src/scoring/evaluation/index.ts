/** Is one model better than another, by whom, and how sure is that? */
export { bcaMean, bcMedian, type Clusters, type Estimate, type Resamples, resamples } from './bca';
export { type Calibration, type CalibrationBin, calibration, fittedScale } from './calibration';
export { compareResults, type ResultChange, type ResultsCompared } from './compare-results';
export {
  type Categories,
  type CategoryRate,
  type CompareScoresOptions,
  compareScores,
  type ScoreComparison,
  type ScoreTable,
} from './compare-scores';
export {
  compareModels,
  type EvaluationHooks,
  type EvaluationRecord,
  type EvaluationRequest,
  evaluate,
} from './evaluate';
export type { EvaluatedModels, ModelSource } from './models';
export {
  type ImplicitReport,
  implicitReport,
  type PairReport,
  type PairReportOptions,
  pairReport,
  scorerDifferences,
  type TimeBin,
} from './pair-report';
export { differenceHash, hashDistance, type Look, look } from './picture-look';
export { evaluationPrompts, PROMPT_SETS, type PromptSet, type PromptSource } from './prompt-sets';
export {
  type ReproducedRow,
  type ReproduceOptions,
  type Reproduction,
  type ReproductionName,
  reproduce,
  reproductionText,
  worldImplicitReport,
} from './reproduce';
export {
  type Copies,
  type Drift,
  type EvaluationResult,
  type Extreme,
  type ModelComparison,
  type ModelSummary,
  readResult,
} from './result';
export { type EvaluationScorer, openScorer } from './scorers';
export type { EvaluationDrawing, EvaluationNoise, EvaluationSettings } from './settings';
export { halfWidth, promptsNeeded, type SignTest, signTest } from './sign-test';
export { type SeedSpread, seedSpread, type VarianceParts, varianceParts } from './variance';
export { winRateOf } from './win-rates';
