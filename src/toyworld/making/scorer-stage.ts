/** Makes the scorer: names, then preferences, stopped by the validation pairs. */

import { existsSync } from 'node:fs';
import { decodeImage } from '../../data/image';
import type { PreferenceRow } from '../../data/pickapic';
import { saveClipModel } from '../../hub';
import { parseImageProcessor } from '../../hub/image-processor';
import type { ClipModel } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { TorchGenerator } from '../../random';
import type { Draws } from '../draws';
import { worldTokenizer } from '../tokenizer';
import { crossPairs } from './cross-pairs';
import { trainNaming } from './naming';
import { newScorer } from './new-model';
import { drawnPairs } from './pair-stage';
import { type Making, resultOf } from './recipe';
import { labelLoss, scoreDifferences, trainPreference, withWeights } from './scorer';
import { SCORER_PROCESSOR, type ScoredPair } from './scorer-batch';
import { corpusOf, type MakingRecord, trainingRecord } from './stages';
import { readWeightSets, writeWeightSets } from './weight-sets';

/** Optimizer steps between two looks at the validation pairs. */
const LOOK_EVERY = 50;

/** Leaves `scorer/`. */
export async function* scorerStage(making: Making): AsyncGenerator<MakingRecord> {
  const path = resultOf(making, 'scorer');
  if (existsSync(path)) return;
  const tokenizer = worldTokenizer();
  const generator = new TorchGenerator(making.recipe.naming.seed);
  const clip = newScorer(tokenizer.definition.vocab.size, generator);
  const pairs = await scoredPairs(await drawnPairs(making, 'train'));
  const kept = pairs.length - making.recipe.validationPairs;
  const split = { training: pairs.slice(0, kept), validation: pairs.slice(kept) };
  yield* naming(making, clip, tokenizer, split.training);
  yield* preference(making, clip, tokenizer, split);
  const imageProcessor = parseImageProcessor(path, SCORER_PROCESSOR);
  await saveClipModel({ model: clip, tokenizer, imageProcessor }, path, { dtype: 'F16' });
  clip.parameters.dispose();
}

/** Leaves its weights, so that it is not done twice. */
async function* naming(
  making: Making,
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  training: readonly ScoredPair[],
) {
  const finished = resultOf(making, 'naming.safetensors');
  if (existsSync(finished)) {
    await readWeightSets(finished, { clip: clip.parameters });
    return;
  }
  const pictures = { corpus: corpusOf(making), drawn: training.flatMap(({ images }) => images) };
  const plan = { ...making.recipe.naming, checkpoint: resultOf(making, 'naming.unfinished') };
  for await (const step of trainNaming(clip, tokenizer, pictures, plan))
    yield trainingRecord('scorer: names', step);
  await writeWeightSets(finished, { clip: clip.parameters }, 0);
}

async function* preference(
  making: Making,
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  { training, validation }: Readonly<Record<'training' | 'validation', readonly ScoredPair[]>>,
) {
  const lossOf = (model: ClipModel) =>
    labelLoss(scoreDifferences(model, tokenizer, validation), validation);
  const best = clip.parameters.clone();
  let lowestLoss = lossOf(clip);
  const { crossShare, ...plan } = making.recipe.preference;
  const cross = crossPairs(training);
  const choosePair = (draws: Draws) =>
    draws.chance(crossShare) ? cross(draws) : draws.pick(training);
  for await (const step of trainPreference(clip, tokenizer, choosePair, plan)) {
    const { averages } = step;
    if ((step.step % LOOK_EVERY === 0 || step.step === step.steps) && averages.clip) {
      const loss = lossOf(withWeights(clip, averages.clip));
      if (loss < lowestLoss) best.copyFrom(averages.clip);
      lowestLoss = Math.min(loss, lowestLoss);
    }
    const figures = { ...step.figures, lowestLoss };
    yield trainingRecord('scorer: preference', { ...step, figures });
  }
  clip.parameters.copyFrom(best);
  best.dispose();
}

/** Rows with their pictures decoded. */
export function scoredPairs(rows: readonly PreferenceRow[]): Promise<ScoredPair[]> {
  return Promise.all(
    rows.map(async ({ caption, jpg_0, jpg_1, label_0 = 0.5 }) => ({
      caption,
      images: [await decodeImage(jpg_0), await decodeImage(jpg_1)] as const,
      label0: label_0,
    })),
  );
}
