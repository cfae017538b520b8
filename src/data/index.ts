/** Pictures and preference data: Pick-a-Pic's files and others, the pairs in them, and the batches made of those. */
export * from './batch';
export * from './batch-draws';
export * from './batch-state';
export * from './batches';
export {
  type Candidate,
  type CandidateIndex,
  type CandidateSettings,
  readCandidates,
} from './candidates';
export * from './choice';
export { type ChoiceCounts, choiceMatrix, describeChoice, LABELS } from './choice-counts';
export { DAMAGED_SHARE } from './damaged';
export type { EpochOptions } from './epoch';
export type { HubDataOptions } from './hub-data';
export * from './image';
export { type Agreement, cohensKappa } from './kappa';
export { type Label, type Labels, type LabelValue, readLabels } from './label-file';
export { type LabelNoise, type NoiseCounts, withLabelNoise } from './label-noise';
export {
  type LabelChoice,
  labelAgreement,
  labelsByPair,
  meanLabel,
} from './labelled-pairs';
export * from './notebook-prompts';
export * from './own-pairs';
export {
  type LabelledPairs,
  labelledPairs,
  openUnlabelled,
  type PairColumns,
  pairsOf,
} from './own-tables';
export * from './pairs';
export * from './parquet';
export * from './parquet-guard';
export * from './pickapic';
export * from './pickapic-writer';
export * from './picture-files';
export type { ReadAhead } from './picture-reader';
export * from './pixels';
export * from './prompts';
export * from './relabel';
export * from './resize';
export * from './rows';
export type { OpenedTrainingData, TrainingDataOptions } from './training-data';
export { openTrainingData } from './training-data';
export * from './transforms';
export type { UnlabelledPair, UnlabelledPairs } from './unlabelled-pairs';
