/**
 * Tensors as TensorFlow handles, scopes, a tape, operations, weights, mixed precision. The only folder that names tfjs.
 *
 * Everything is float32 but what `autocast('bf16', …)` computes; nothing outside this folder depends on which it is.
 */
import './methods';
import { constantCount } from './ops/call';
import { handleCount } from './tensor';

export { type AdafactorStep, adafactorShapes } from './adafactor';
export { autocast, type MixedPrecision } from './autocast';
export { engineInfo, type KernelMode, withKernels } from './backend';
export { type DryRun, dryRun, type PlannedCall } from './dry-run';
export type { DType } from './dtype';
export {
  type MemoryPeak,
  type MemoryUse,
  peakMemory,
  peakTensorBytes,
  watchMemory,
} from './memory';
export * from './ops';
export {
  type FactoredMoments,
  type Moments,
  Parameters,
  type ParamTree,
  type WeightOptions,
  type WeightShape,
} from './parameters';
export { type OperationCost, type Profile, profile } from './profile';
export { replay } from './replay';
export type { AdamWStep, WeightPiece } from './storage';
export type { StoredPlace } from './stored-place';
export {
  accumulateGrads,
  type Loss,
  noGrad,
  recomputed,
  valueAndGrad,
} from './tape';
export {
  inTurn,
  ones,
  scalar,
  scoped,
  Tensor,
  tensor,
  tidy,
  zeros,
} from './tensor';
export { fromTf, toTf } from './tfjs';

/** Number of live tensors: what leak tests and per-step records count. */
export const tensorCount = () => handleCount() - constantCount();
