/** The figures by which one making of the world is compared with another. */

import { join } from 'node:path';
import { decodeImage, type RgbImage } from '../../data/image';
import type { PreferenceRow } from '../../data/pickapic';
import { generateImages } from '../../diffusion';
import { type ClipFolder, disposePipeline, loadClipModel, loadPipeline } from '../../hub';
import { TorchGenerator } from '../../random';
import { drawCaption } from '../captions';
import { Draws } from '../draws';
import { judge, TERMS, type Terms, utility } from '../judge';
import { bayesCeiling, TIE_MARGIN } from '../labels';
import { drawMeaning } from '../scenes';
import { DRAWING } from './pairs';
import type { Recipe } from './recipe';
import { labelAgreement, scoreDifferences } from './scorer';
import { scoredPairs } from './scorer-stage';

export type Figures = Readonly<Record<string, number>>;

/** The held-out captions on which models are compared, always the same. */
export function heldoutPrompts({ prompts }: Recipe): string[] {
  const draws = new Draws(new TorchGenerator(prompts.seed));
  return Array.from({ length: prompts.count }, () =>
    drawCaption(drawMeaning(draws, 'heldout'), draws),
  );
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Captions drawn together. */
const CHUNK = 50;

/** What the judge says of the base on held-out captions: the mean of every term, and of the utility. */
export async function measureBase(
  dataFolder: string,
  prompts: readonly string[],
): Promise<Figures> {
  const base = await loadPipeline(join(dataFolder, 'base'));
  const judged: Terms[] = [];
  for (let first = 0; first < prompts.length; first += CHUNK) {
    const prompt = prompts.slice(first, first + CHUNK);
    const images = generateImages(base, { prompt, seed: first, ...DRAWING });
    judged.push(...images.map((image, i) => judge(image, prompt[i] ?? '')));
  }
  disposePipeline(base);
  const terms = TERMS.map((term) => [`base ${term}`, mean(judged.map((j) => j[term]))] as const);
  return { ...Object.fromEntries(terms), 'base utility': mean(judged.map((j) => utility(j))) };
}

/** Utility differences of stored pairs, first picture minus second. */
export function utilityDifferences(rows: readonly PreferenceRow[]): Promise<number[]> {
  return Promise.all(
    rows.map(async ({ caption, jpg_0, jpg_1 }) => {
      const worth = (image: RgbImage) => utility(judge(image, caption));
      return worth(await decodeImage(jpg_0)) - worth(await decodeImage(jpg_1));
    }),
  );
}

/** Ties, the best that any predictor can expect, and how often labels follow the judge. */
export async function measurePairs(
  split: string,
  rows: readonly PreferenceRow[],
): Promise<Figures> {
  const differences = await utilityDifferences(rows);
  const labels = rows.map(({ label_0 = 0.5 }) => ({ label0: label_0 }));
  return {
    [`${split} pairs`]: rows.length,
    [`${split} ties`]: mean(labels.map(({ label0 }) => (label0 === 0.5 ? 1 : 0))),
    [`${split} Bayes ceiling`]: bayesCeiling(differences),
    [`${split} judge agreement`]: labelAgreement(differences, labels),
  };
}

/** How often the scorer prefers what a label or the judge prefers, on held-out pairs. */
export async function measureScorer(
  dataFolder: string,
  rows: readonly PreferenceRow[],
): Promise<Figures> {
  const { model, tokenizer }: ClipFolder = await loadClipModel(join(dataFolder, 'scorer'));
  const pairs = await scoredPairs(rows);
  const scores = scoreDifferences(model, tokenizer, pairs);
  const differences = await utilityDifferences(rows);
  model.parameters.dispose();
  const asJudged = differences.map((d) => ({
    label0: Math.abs(d) < TIE_MARGIN ? 0.5 : d > 0 ? 1 : 0,
  }));
  return {
    'scorer label agreement': labelAgreement(scores, pairs),
    'scorer judge agreement': labelAgreement(scores, asJudged),
  };
}
