export { CheckpointError } from './checkpoint-error';
export { type ClipFolder, loadClipModel, saveClipModel } from './clip-folder';
export type { FileDType, TensorData } from './dtypes';
export { type ImageProcessor, readImageProcessor } from './image-processor';
export { engineShape, toEngineLayout, toTorchLayout } from './layout';
export { loadUNet } from './load-unet';
export { LORA_FILE, loadLora, saveLora } from './lora-file';
export { mergeLoraFile } from './lora-merge';
export type { WeightDType } from './model-folder';
export { STABLE_DIFFUSION_INDEX } from './model-index';
export { type SingleFileSaveOptions, saveSingleFile } from './original/write';
export {
  disposePipeline,
  type LoadPipelineOptions,
  loadPipeline,
  type Pipeline,
  type SavePipelineOptions,
  savePipeline,
} from './pipeline';
export * from './remote';
export type { TensorEntry } from './safetensors-header';
export { openSafetensors, type SafetensorsFile } from './safetensors-reader';
export {
  type Digests,
  type SafetensorsOptions,
  type TensorToWrite,
  writeSafetensors,
} from './safetensors-writer';
export { type StoredDTypes, storedDTypes } from './stored-dtypes';
