/** The embedded world: captioned scenes, a judge with a known rule, a base model and its pairs. */
export { captionOf, readCaption } from './captions';
export {
  assess,
  type Comparison,
  compare,
  DRAWN_TOGETHER,
  type Drawn,
  drawPrompts,
  pairCeiling,
} from './comparison';
export { FAITHFUL_TERMS, judge, TERMS, type Term, type Terms, utility } from './judge';
export { bayesCeiling } from './labels';
export { DRAWING } from './making/pairs';
export { type NoiseLabOptions, type NoisePoint, noiseLab } from './noise-lab';
export {
  type QuickFamily,
  type QuickNames,
  type QuickOptions,
  type QuickSetting,
  quickSetting,
} from './quick-setting';
export { loadWorld, WORLD_FOLDER, type World } from './world';
export {
  copyOf,
  firstBatch,
  seeded,
  trainOnWorld,
  WORLD_RECIPE,
  type WorldBatchOptions,
  type WorldRun,
  type WorldTraining,
  worldBatches,
} from './world-training';
