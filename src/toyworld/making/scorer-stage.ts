/** Makes the scorer: contrast, then preferences, stopped where the validation pairs agree best. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../data/image';
import type { PreferenceRow } from '../../data/pickapic';
import { saveClipModel } from '../../hub';
import { parseImageProcessor } from '../../hub/image-processor';
import type { ClipModel } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { TorchGenerator } from '../../random';
import { drawCorpus } from '../corpus';
import { scorerJson } from '../model-configs';
import { worldTokenizer } from '../tokenizer';
import { newClipModel } from './new-model';
import { drawnPairs } from './pair-stage';
import { RECIPE } from './recipe';
import {
  labelAgreement,
  SCORER_PROCESSOR,
  type ScoredPair,
  scoreDifferences,
  trainContrast,
  trainPreference,
  withWeights,
} from './scorer';
import { type MakingRecord, trainingRecord } from './stages';
import { readWeightSets, writeWeightSets } from './weight-sets';

/** Optimizer steps between two looks at the validation pairs. */
const LOOK_EVERY = 50;

/** Leaves `scorer/`. */
export async function* scorerStage(workshop: string): AsyncGenerator<MakingRecord> {
  const path = join(workshop, 'scorer');
  if (existsSync(path)) return;
  const tokenizer = worldTokenizer();
  const generator = new TorchGenerator(RECIPE.contrast.seed);
  const clip = newClipModel(scorerJson(tokenizer.definition.vocab.size), generator);
  yield* contrast(workshop, clip, tokenizer);
  yield* preference(workshop, clip, tokenizer);
  const imageProcessor = parseImageProcessor(path, SCORER_PROCESSOR);
  await saveClipModel({ model: clip, tokenizer, imageProcessor }, path, { dtype: 'F16' });
  clip.parameters.dispose();
}

async function* contrast(workshop: string, clip: ClipModel, tokenizer: ClipTokenizer) {
  const finished = join(workshop, 'contrast.safetensors');
  if (existsSync(finished)) {
    await readWeightSets(finished, { clip: clip.parameters });
    return;
  }
  const corpus = drawCorpus(RECIPE.corpus.count, new TorchGenerator(RECIPE.corpus.seed));
  const training = { ...RECIPE.contrast, checkpoint: join(workshop, 'contrast.unfinished') };
  for await (const step of trainContrast(clip, tokenizer, corpus, training))
    yield trainingRecord('scorer: contrast', step);
  await writeWeightSets(finished, { clip: clip.parameters }, RECIPE.contrast.steps);
}

async function* preference(workshop: string, clip: ClipModel, tokenizer: ClipTokenizer) {
  const pairs = await scoredPairs(await drawnPairs(workshop, 'train'));
  const kept = pairs.length - RECIPE.validationPairs;
  const [training, validation] = [pairs.slice(0, kept), pairs.slice(kept)];
  const agreementOf = (model: ClipModel) =>
    labelAgreement(scoreDifferences(model, tokenizer, validation), validation);
  const best = clip.parameters.clone();
  let bestAgreement = agreementOf(clip);
  for await (const step of trainPreference(clip, tokenizer, training, RECIPE.preference)) {
    const { averages } = step;
    if (step.step % LOOK_EVERY === 0 && averages.clip) {
      const agreement = agreementOf(withWeights(clip, averages.clip));
      if (agreement > bestAgreement) best.copyFrom(averages.clip);
      bestAgreement = Math.max(agreement, bestAgreement);
    }
    const figures = { ...step.figures, bestAgreement };
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
