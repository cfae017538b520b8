export { CheckpointError } from './checkpoint-error';
export type { FileDType, TensorData } from './dtypes';
export type { TensorEntry } from './safetensors-header';
export { openSafetensors, type SafetensorsFile } from './safetensors-reader';
export {
  type SafetensorsOptions,
  type TensorToWrite,
  writeSafetensors,
} from './safetensors-writer';
