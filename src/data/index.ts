/** Pictures and preference data: Pick-a-Pic's files, the pairs in them, and the batches made of those. */
export * from './batches';
export * from './image';
export * from './pairs';
export * from './parquet';
export * from './parquet-guard';
export * from './pickapic';
export * from './pickapic-writer';
export * from './picture-files';
export * from './pixels';
export * from './relabel';
export * from './resize';
export * from './transforms';
