import { loadClipModel } from '../hub';
import { loadOpenClip } from '../hub/open-clip';
import { VIT_H_14 } from '../hub/open-clip-config';
import { checkVocabulary } from '../hub/vocabulary';
import type { ClipModel } from '../models';
import { loadTokenizer } from '../models/tokenizer-files';
import { OpenClipTokenizer } from '../models/tokenizer-open-clip';
import { longestSideValues } from './longest-side';
import { type From, type Place, processorFolder } from './scorer-places';
import type { TwoTowers } from './two-towers';

export interface OpenClipFeeding extends From {
  readonly processor?: string | undefined;
  readonly torchvision?: 'current' | 'before 0.17' | undefined;
}

/**
 * A CLIP fed as the original feeds those of HPS and the CLIP score: longest side resized, OpenCLIP's tokenizer.
 * Whoever gets it owns the model. @throws CheckpointError
 */
export async function openClipTowers(
  place: Place,
  { torchvision, ...from }: OpenClipFeeding,
): Promise<TwoTowers> {
  const folder = await processorFolder(place, 'tokenizer', from);
  const tokenizer = await loadTokenizer(folder);
  const { model, contextLength, mean, std } = await load(place, folder);
  try {
    checkVocabulary(folder, tokenizer, model.config.text.vocabSize);
    const texts = new OpenClipTokenizer(tokenizer, contextLength);
    const options = { size: model.config.vision.imageSize, mean, std, torchvision };
    return {
      model,
      pixelValues: (images) => longestSideValues(images, options),
      tokens: (captions) => texts.encode(captions),
    };
  } catch (error) {
    model.parameters.dispose();
    throw error;
  }
}

interface Loaded {
  readonly model: ClipModel;
  readonly contextLength: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

async function load({ layout, file, folder }: Place, processor: string): Promise<Loaded> {
  if (layout === 'open_clip') return loadOpenClip(file, VIT_H_14);
  const { model, imageProcessor } = await loadClipModel(folder, { processor });
  const { imageMean: mean, imageStd: std } = imageProcessor;
  return { model, contextLength: model.config.text.maxPositions, mean, std };
}
