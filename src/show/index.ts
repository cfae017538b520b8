/** What a notebook shows: pictures, curves, tables, progress; and what values of ours and of tfjs look like. */
import './tensor-look';

export type { Card, CardOptions, Picture, PictureGrid } from './cards';
export { cardGrid } from './cards';
export { CheckError, check, checkThat } from './check';
export { type CostBar, costBar } from './cost-bar';
export { display } from './display';
export { type ImageGridOptions, imageGrid, sideBySide } from './image-grid';
export { latentImages } from './latent-images';
export { type LinePlot, type LinePlotOptions, linePlot, type Series } from './line-plot';
export { addLook, type Kind, lookOf } from './looks';
export { cellSignal, DISPLAY, type Displayable, type MimeBundle } from './notebook';
export { type Facts, follow, type Progress, progress, watch } from './progress';
export { type TableRow, table } from './table';
export { tensorTable } from './tensor-table';
export { formatDuration, formatNumber } from './text';
export { together } from './together';
