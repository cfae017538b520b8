/** What a notebook shows: pictures, curves, tables, progress; and what values of ours and of tfjs look like. */
import './batch-look';
import './pair-look';
import './parameter-tree';
import './record-look';
import './run-look';
import './schedule-look';
import './score-table';
import './tensor-look';

export { attach } from './attach';
export { type BlindOptions, type BlindPair, type BlindTest, blindAB } from './blind-ab';
export type { Card, CardOptions, Picture, PictureGrid } from './cards';
export { cardGrid } from './cards';
export { CheckError, check, checkThat } from './check';
export { type ComparePicturesOptions, compare } from './compare';
export { type CostBar, costBar } from './cost-bar';
export { type DashboardOptions, dashboard, type RunRecords } from './dashboard';
export { display } from './display';
export type { Axis, Figure, Layout, Trace } from './figure';
export { type ImageGridOptions, imageGrid, sideBySide } from './image-grid';
export { type LabelPairsOptions, labelPairs } from './label-pairs';
export { latentImages } from './latent-images';
export { type LinePlotOptions, linePlot, type Series } from './line-plot';
export { addLook, type Kind, lookOf } from './looks';
export { cellSignal, DISPLAY, type Displayable, type MimeBundle } from './notebook';
export { type ShowPairsOptions, showPairs } from './pair-look';
export { type LivePlot, livePlot, type Plot, type PlotOptions, plot } from './plot';
export { type PreviewOptions, preview } from './preview';
export {
  type Facts,
  follow,
  type Progress,
  type ProgressOptions,
  progress,
  progressLine,
  watch,
} from './progress';
export { runFigure } from './run-figure';
export { type ScoreTableOptions, scoreTable } from './score-table';
export {
  type ShowImagesOptions,
  type ShowLatentsOptions,
  type ShowTrajectoryOptions,
  showImages,
  showLatents,
  showTrajectory,
} from './show-images';
export { type TableOptions, type TableRow, table } from './table';
export { tensorTable } from './tensor-table';
export { formatBytes, formatDuration, formatNumber } from './text';
export { together } from './together';
export { relativeChange, type WeightChange, type WeightsComparison } from './weights-comparison';
