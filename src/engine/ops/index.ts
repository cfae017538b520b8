export { type AttentionOptions, attention } from './attention';
export { cast } from './cast';
export { type ConvOptions, conv2d, upsampleNearest2x } from './conv';
export * from './elementwise';
export { geglu } from './geglu';
export { type Epilogue, linear, type MatmulOptions, matmul } from './matmul';
export { type GroupNormOptions, groupNorm, type LayerNormOptions, layerNorm } from './norm';
export * from './reduce';
export * from './shape';
