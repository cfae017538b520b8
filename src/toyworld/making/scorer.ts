// S × S pixels, L tokens, B in a batch
/** Trains the scorer: CLIP's contrast on the corpus, then PickScore's objective on care and on labels. */

import type { RgbImage } from '../../data/image';
import { accumulateGrads, noGrad, type Parameters, tensor, tidy } from '../../engine';
import type { JsonObject } from '../../hub/json-file';
import type { ClipModel } from '../../models';
import type { ClipTokenizer } from '../../models/tokenizer';
import { type Corpus, corpusCaptions, corpusPixels, lookalikes } from '../corpus';
import { Draws } from '../draws';
import { PICTURE_SIZE } from '../scenes';
import { carePair } from './care';
import { variedPair } from './mirror';
import { contrastiveLoss, pairScores, pickScoreLoss } from './scorer-loss';
import { train } from './train';

/** How the scorer's pictures are normalised, as transformers' CLIPImageProcessor is told. */
export const SCORER_PROCESSOR = {
  crop_size: { height: PICTURE_SIZE, width: PICTURE_SIZE },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_processor_type: 'CLIPImageProcessor',
  image_std: [0.25, 0.25, 0.25],
  resample: 3,
  rescale_factor: 1 / 255,
  size: { shortest_edge: PICTURE_SIZE },
} as const satisfies JsonObject;

/** Pixels of −1…1 become (x / 2) / 0.25. */
const FROM_UNIT = 0.5 / SCORER_PROCESSOR.image_std[0];

/** A labelled pair as the scorer reads it. */
export interface ScoredPair {
  readonly caption: string;
  readonly images: readonly [RgbImage, RgbImage];
  /** 1, ½ or 0. */
  readonly label0: number;
}

export interface ScorerTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly checkpoint?: string;
}

/** Pictures of one group of lookalikes. */
const GROUP_SIZE = 8;

/** Learns what captions mean from the corpus, half the time from lookalikes; yields every step. */
export function trainContrast(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  corpus: Corpus,
  { batchSize: B, ...plan }: ScorerTraining,
) {
  const alike = lookalikes(corpus, GROUP_SIZE);
  return train({
    ...plan,
    weights: { clip: clip.parameters },
    warmupSteps: 100,
    optimizer: { beta2: 0.98, weightDecay: 0.05 },
    emaDecay: 0.99,
    batch: (generator) =>
      tidy(() => {
        const draws = new Draws(generator);
        const chosen = draws.chance(0.5)
          ? alike(B / GROUP_SIZE, draws)
          : generator.randint(0, corpus.meanings.length, B);
        const pixels = corpusPixels(corpus, chosen).map((x) => x * FROM_UNIT);
        const captions = corpusCaptions(corpus, chosen, draws);
        const pixelValues = tensor(pixels, [B, PICTURE_SIZE, PICTURE_SIZE, 3]);
        const ids = idsOf(tokenizer, captions);
        return { loss: accumulateGrads(() => contrastiveLoss(clip, pixelValues, ids)).item() };
      }),
  });
}

/** Learns, before any label, that a drawing made with more care is better; yields every step. */
export function trainCare(clip: ClipModel, tokenizer: ClipTokenizer, options: ScorerTraining) {
  return trainOnPairs(clip, tokenizer, carePair, options);
}

/** Learns preferences from labelled pairs, mirrored and reworded by chance; yields every step. */
export function trainPreference(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  pairs: readonly ScoredPair[],
  options: ScorerTraining,
) {
  const choose = (draws: Draws) => variedPair(draws.pick(pairs), draws);
  return trainOnPairs(clip, tokenizer, choose, options);
}

function trainOnPairs(
  clip: ClipModel,
  tokenizer: ClipTokenizer,
  choose: (draws: Draws) => ScoredPair,
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
        const chosen = Array.from({ length: B }, () => choose(draws));
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

function idsOf(tokenizer: ClipTokenizer, captions: readonly string[]) {
  const { inputIds, length } = tokenizer.encode(captions);
  return tensor(inputIds, [captions.length, length]);
}

function pairBatch(tokenizer: ClipTokenizer, pairs: readonly ScoredPair[]) {
  const bytes = 3 * PICTURE_SIZE ** 2;
  const pixels = new Float32Array(2 * pairs.length * bytes);
  pairs.forEach(({ images }, b) => {
    images.forEach(({ data }, side) => {
      const to = (side * pairs.length + b) * bytes;
      for (let i = 0; i < bytes; i++) pixels[to + i] = ((data[i] ?? 0) / 127.5 - 1) * FROM_UNIT;
    });
  });
  return {
    pixelValues: tensor(pixels, [2 * pairs.length, PICTURE_SIZE, PICTURE_SIZE, 3]),
    ids: idsOf(
      tokenizer,
      pairs.map(({ caption }) => caption),
    ),
    label0: tensor(
      pairs.map(({ label0 }) => label0),
      [pairs.length],
    ),
  };
}
