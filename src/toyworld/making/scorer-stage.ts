/** Makes the scorer: contrast, then care, then preferences, stopped by the validation pairs. */

import { existsSync } from 'node:fs';
import { decodeImage } from '../../data/image';
import type { PreferenceRow } from '../../data/pickapic';
import { saveClipModel } from '../../hub';
import { parseImageProcessor } from '../../hub/image-processor';
import type { ClipModel } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { TorchGenerator } from '../../random';
import { scorerJson } from '../model-configs';
import { worldTokenizer } from '../tokenizer';
import { newClipModel } from './new-model';
import { drawnPairs } from './pair-stage';
import { type Making, resultOf } from './recipe';
import {
  labelLoss,
  SCORER_PROCESSOR,
  type ScoredPair,
  scoreDifferences,
  trainCare,
  trainContrast,
  trainPreference,
  withWeights,
} from './scorer';
import { corpusOf, type MakingRecord, trainingRecord } from './stages';
import { readWeightSets, writeWeightSets } from './weight-sets';

/** Optimizer steps between two looks at the validation pairs. */
const LOOK_EVERY = 50;

/** Leaves `scorer/`. */
export async function* scorerStage(making: Making): AsyncGenerator<MakingRecord> {
  const path = resultOf(making, 'scorer');
  if (existsSync(path)) return;
  const tokenizer = worldTokenizer();
  const generator = new TorchGenerator(making.recipe.contrast.seed);
  const clip = newClipModel(scorerJson(tokenizer.definition.vocab.size), generator);
  yield* pretraining(making, clip, tokenizer);
  yield* preference(making, clip, tokenizer);
  const imageProcessor = parseImageProcessor(path, SCORER_PROCESSOR);
  await saveClipModel({ model: clip, tokenizer, imageProcessor }, path, { dtype: 'F16' });
  clip.parameters.dispose();
}

/** Contrast, then care; each leaves its weights, so that it is not done twice. */
async function* pretraining(making: Making, clip: ClipModel, tokenizer: ClipTokenizer) {
  const lessons = {
    contrast: (checkpoint: string) => {
      const training = { ...making.recipe.contrast, checkpoint };
      return trainContrast(clip, tokenizer, corpusOf(making), training);
    },
    care: (checkpoint: string) => trainCare(clip, tokenizer, { ...making.recipe.care, checkpoint }),
  };
  for (const [name, steps] of Object.entries(lessons)) {
    const finished = resultOf(making, `${name}.safetensors`);
    if (existsSync(finished)) {
      await readWeightSets(finished, { clip: clip.parameters });
      continue;
    }
    for await (const step of steps(resultOf(making, `${name}.unfinished`)))
      yield trainingRecord(`scorer: ${name}`, step);
    await writeWeightSets(finished, { clip: clip.parameters }, 0);
  }
}

async function* preference(making: Making, clip: ClipModel, tokenizer: ClipTokenizer) {
  const pairs = await scoredPairs(await drawnPairs(making, 'train'));
  const kept = pairs.length - making.recipe.validationPairs;
  const [training, validation] = [pairs.slice(0, kept), pairs.slice(kept)];
  const lossOf = (model: ClipModel) =>
    labelLoss(scoreDifferences(model, tokenizer, validation), validation);
  const best = clip.parameters.clone();
  let lowestLoss = lossOf(clip);
  for await (const step of trainPreference(clip, tokenizer, training, making.recipe.preference)) {
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
