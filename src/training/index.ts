/** The training loop and its parts. */
export { Adafactor, type AdafactorOptions } from './adafactor';
export { AdamW, type AdamWOptions } from './adamw';
export {
  type CheckpointPart,
  type CheckpointParts,
  configHash,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './checkpoint';
export { type CleanedFolder, cleanOutputFolder, listCheckpoints } from './checkpoint-folders';
export { Clock } from './clock';
export { checkConfiguration, withoutSecrets } from './configuration';
export { type DpoStepOptions, dpoStep } from './dpo-step';
export { type EffectiveOptions, type Epochs, effectiveOptions, epochs } from './effective';
export { Ema, type EmaOptions, emaDecay } from './ema';
export { type InterruptOptions, type Interrupts, watchInterrupts } from './interrupts';
export { type LoopBatch, type LoopOptions, trainingLoop } from './loop';
export {
  type LrSchedule,
  type LrScheduleName,
  type LrScheduleOptions,
  lrSchedules,
} from './lr-schedule';
export {
  type MeasuredStep,
  type MeasureStepOptions,
  measureStep,
  relativeDistance,
} from './measure-step';
export {
  type Metrics,
  type MetricsFile,
  metricsOf,
  openMetrics,
  readMetrics,
  TIMING_METRICS,
} from './metrics';
export { type NamedTensor, restoreNamedTensors, type TensorTarget } from './named-tensors';
export {
  type DrawnNoise,
  drawNoise,
  drawTimesteps,
  type NoisingOptions,
  type TimestepRule,
} from './noise-draws';
export {
  type Encoders,
  encodePrompts,
  type NoisyBatch,
  noiseBatch,
  type PairBatch,
} from './noising';
export { type BrokenStep, NotFiniteError } from './not-finite';
export type { Optimizer, OptimizerStepOptions, StateTensor } from './optimizer';
export { resolveTrainOptions, type TrainOptions, type TrainRequest } from './options';
export {
  lossSwitches,
  noisingSwitches,
  type Parity,
  type ParitySwitch,
  type ParitySwitches,
  parityLedger,
  paritySwitches,
} from './parity';
export type { PlannedDownload, Unknown } from './plan-downloads';
export { type MemoryPlan, type PlanOptions, planMemory } from './plan-memory';
export { type PreferenceStepOptions, preferenceStep, type SeenMicroBatch } from './preference-step';
export { type MicroRecord, type MicroStep, meanRecord, type StepRecord } from './record';
export {
  openReporter,
  REPORTER_NAMES,
  type Reporter,
  type ReporterName,
  type ReporterOptions,
} from './reporters';
export {
  type FoundCheckpoint,
  findCheckpoint,
  type LoadedCheckpoint,
  loadCheckpoint,
} from './resume';
export { createRunFolder, currentRunFolder, RUNS_FOLDER, type RunFolder } from './run-folder';
export { type DataPlan, type ModelPlan, planRun, type RunPlan } from './run-plan';
export { type RunInfo, type RunsOptions, runInfo, runs } from './runs';
export { type SftStepOptions, sftStep } from './sft-step';
export { type TensorBoardOptions, TensorBoardWriter } from './tensorboard';
export { constructedTextEncoders, textEncoderConstructorDraws } from './text-encoder-draws';
export { type TrainHooks, type TrainResult, train, trainingSchedule } from './train';
export {
  strip,
  type ValidationOptions,
  type ValidationPicture,
  validator,
  writeStrip,
} from './validation';
