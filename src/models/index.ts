export * from './clip-config';
export * from './clip-model';
export * from './clip-text';
export * from './clip-vision';
export * from './conditioning';
export { fixText } from './fix-text';
export { type InitialWeight, initialise } from './init';
export {
  attachLora,
  type LoraConfig,
  type LoraOptions,
  type LoraUNet,
  loraConfig,
  loraParameterCount,
  loraWeights,
  mergeLora,
  withLora,
} from './lora';
export { extractLora } from './lora-extract';
export * from './model';
export {
  type AddedToken,
  ClipTokenizer,
  type EncodedTexts,
  type TokenizerDefinition,
} from './tokenizer';
export { loadTokenizer, saveTokenizer } from './tokenizer-files';
export * from './unet';
export * from './unet-config';
export { type UNetParams, unetWeights } from './unet-weights';
export * from './vae';
export * from './vae-config';
export { type TileOptions, tileCuts, type VaeParts } from './vae-tiling';
export { type VaeParams, vaeWeights } from './vae-weights';
export { weightsDigest } from './weights-digest';
