// B pictures, D width of CLIP's space
import type { RgbImage } from '../data/image';
import { noGrad, type Parameters } from '../engine';
import type { ClipFolder } from '../hub';
import { HEAD_LAYERS, headWeights } from '../hub/linear-head';
import { openTensors } from '../hub/tensor-file';
import { loadWeights } from '../hub/weights';
import { imageEmbeds } from '../models';
import * as nn from '../nn';
import { clipPixelValues } from './clip-score';
import type { CosineOptions } from './two-towers';

/** The aesthetic head: five linear layers from CLIP's normalised image embedding to one mark. */
export type AestheticHead = { readonly layers: readonly nn.Linear[] };

/** A head with its weights; whoever loaded it owns them. */
export interface LoadedHead {
  readonly parameters: Parameters;
  readonly p: AestheticHead;
}

/**
 * Loads the head of LAION's improved aesthetic predictor. Upstream: aes_utils.py, `MLP`.
 * @param path of a `.pth` or safetensors file
 * @param width of the embedding that it is to read, D
 * @throws CheckpointError that lists every weight that is missing, in excess, or of another shape
 */
export async function loadAestheticHead(path: string, width: number): Promise<LoadedHead> {
  const source = await openTensors(path);
  try {
    const weights = headWeights(source, 'layers', width);
    const stored = [...source.entries.keys()].map(
      (name) => [name, { file: source, name }] as const,
    );
    const files = { path, weights: new Map(stored), close: () => source.close() };
    const parameters = await loadWeights(files, weights, () => []);
    return { parameters, p: parameters.tree<AestheticHead>() };
  } finally {
    await source.close();
  }
}

/** The mark of each picture, about 1 to 10. Upstream: aes_utils.py, `Selector.score`. */
export function aestheticScores(
  { model, imageProcessor }: ClipFolder,
  { p }: LoadedHead,
  images: readonly RgbImage[],
  { batchSize = 64 }: CosineOptions = {},
): number[] {
  const scores: number[] = [];
  for (let from = 0; from < images.length; from += batchSize) {
    const batch = images.slice(from, from + batchSize);
    const marks = noGrad(() => {
      const embeds = imageEmbeds(model, clipPixelValues(batch, imageProcessor)).normalised; // [B, D]
      const layers = HEAD_LAYERS.map((i) => p.layers[i] as nn.Linear);
      return [...layers.reduce((x, layer) => nn.linear(layer, x), embeds).floats()]; // [B, 1]
    });
    scores.push(...marks);
  }
  return scores;
}
