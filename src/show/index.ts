/** What a notebook shows: pictures, curves, tables, progress, tensors. */
export type { Card, CardOptions, Picture, PictureGrid } from './cards';
export { cardGrid } from './cards';
export { CheckError, check, checkThat } from './check';
export { type CostBar, costBar } from './cost-bar';
export { type ImageGridOptions, imageGrid, sideBySide } from './image-grid';
export { latentImages } from './latent-images';
export { type LinePlot, type LinePlotOptions, linePlot, type Series } from './line-plot';
export { cellSignal, DISPLAY, type Displayable, display, type MimeBundle } from './notebook';
export { type Facts, follow, type Progress, progress, watch } from './progress';
export { type TableRow, table } from './table';
export { tensorTable } from './tensor-table';
export { formatDuration, formatNumber } from './text';
export { together } from './together';
