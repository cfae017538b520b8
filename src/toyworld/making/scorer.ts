/** Trains the scorer on preferences, and measures how it agrees with labels. */

import { accumulateGrads, noGrad, type Parameters, tidy } from '../../engine';
import type { ClipModel } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { Draws } from '../draws';
import { variedPair } from './mirror';
import { pairBatch, type ScoredPair } from './scorer-batch';
import { pairScores, pickScoreLoss } from './scorer-loss';
import { train } from './train';

export interface ScorerTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly checkpoint?: string;
}

/** Learns PickScore's objective, pairs mirrored and reworded by chance; yields every step. */
export function trainPreference(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  choosePair: (draws: Draws) => ScoredPair,
  { batchSize: B, ...plan }: ScorerTraining,
) {
  return train({
    ...plan,
    weights: { clip: clip.parameters },
    warmupSteps: 50,
    optimizer: { weightDecay: 0.1 },
    emaDecay: 0.99,
    batch: (generator) =>
      tidy(() => {
        const draws = new Draws(generator);
        const chosen = Array.from({ length: B }, () => variedPair(choosePair(draws), draws));
        const batch = pairBatch(tokenizer, chosen);
        const loss = accumulateGrads(() =>
          pickScoreLoss(clip, batch.pixelValues, batch.ids, batch.label0),
        );
        return { loss: loss.item() };
      }),
  });
}

/** The same scorer with other weights. */
export function withWeights({ config }: ClipModel, parameters: Parameters): ClipModel {
  return { config, parameters, p: parameters.tree() };
}

/** How much higher the first picture of each pair scores than the second. */
export function scoreDifferences(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  pairs: readonly ScoredPair[],
): number[] {
  const chunk = 50;
  const starts = Array.from({ length: Math.ceil(pairs.length / chunk) }, (_, i) => i * chunk);
  return starts.flatMap((start) => {
    const scores = noGrad(() => {
      const { pixelValues, ids } = pairBatch(tokenizer, pairs.slice(start, start + chunk));
      return pairScores(clip, pixelValues, ids);
    });
    const values = scores.floats();
    scores.dispose();
    return Array.from(
      { length: values.length / 2 },
      (_, i) => Number(values[2 * i]) - Number(values[2 * i + 1]),
    );
  });
}

/** Share of decided pairs whose preferred picture scores higher. */
export function labelAgreement(
  differences: readonly number[],
  pairs: readonly Pick<ScoredPair, 'label0'>[],
): number {
  const decided = pairs.flatMap(({ label0 }, i) =>
    label0 === 0.5 ? [] : [(differences[i] ?? 0) > 0 === (label0 === 1)],
  );
  return decided.filter(Boolean).length / decided.length;
}

/** PickScore's loss of given score differences: the mean cross entropy, ties with ½ for both. */
export function labelLoss(
  differences: readonly number[],
  pairs: readonly Pick<ScoredPair, 'label0'>[],
): number {
  const losses = pairs.map(({ label0 }, i) => {
    const difference = differences[i] ?? 0;
    return (
      Math.log1p(Math.exp(-Math.abs(difference))) + Math.max(0, difference) - label0 * difference
    );
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
