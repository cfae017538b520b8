/** The training loop and its parts. */
export { Adafactor, type AdafactorOptions } from './adafactor';
export { AdamW, type AdamWOptions } from './adamw';
export { Clock } from './clock';
export { type DpoStepOptions, dpoStep } from './dpo-step';
export { Ema, type EmaOptions, emaDecay } from './ema';
export { type LoopBatch, type LoopOptions, trainingLoop } from './loop';
export {
  type LrSchedule,
  type LrScheduleName,
  type LrScheduleOptions,
  lrSchedules,
} from './lr-schedule';
export {
  type Encoders,
  encodePrompts,
  type NoisyBatch,
  noiseBatch,
  type PairBatch,
} from './noising';
export { type BrokenStep, NotFiniteError } from './not-finite';
export type { Optimizer, OptimizerStepOptions, StateTensor } from './optimizer';
export { type MemoryPlan, type PlanOptions, planMemory } from './plan-memory';
export { type MicroRecord, type MicroStep, meanRecord, type StepRecord } from './record';
export { createRunFolder, currentRunFolder, RUNS_FOLDER, type RunFolder } from './run-folder';
export { type SftStepOptions, sftStep } from './sft-step';
export {
  strip,
  type ValidationOptions,
  type ValidationPicture,
  validator,
  writeStrip,
} from './validation';
