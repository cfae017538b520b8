/** How well somebody ranks pairs that were labelled: a scorer, or a policy by its implicit reward. */
import { pairPicture, type TrainingData } from '../../data';
import { averageMargin, type ImplicitMargins } from '../implicit-accuracy';
import { bcaMean, type Estimate, resamples } from './bca';
import { type Calibration, calibration, fittedScale } from './calibration';
import { type Categories, type CategoryRate, categoryRates, outcomeOf } from './compare-scores';
import type { EvaluationScorer } from './scorers';

export interface PairReport {
  /** Share of pairs ranked as labelled, ties half. */
  readonly accuracy: Estimate;
  readonly calibration: Calibration;
  readonly categories: readonly CategoryRate[];
}

export interface PairReportOptions {
  /** What a difference is multiplied by to be log-odds. @default what fits the labels best, 1 where nothing does */
  readonly scale?: number;
  /** Of each pair. */
  readonly categories?: readonly Categories[];
  /** @default 10000 */
  readonly resamples?: number;
}

/** @param differences preferred less rejected, one a pair; each pair is taken as independent of the others */
export function pairReport(
  differences: readonly number[],
  { scale = fittedScale(differences) ?? 1, categories = [], ...bootstrap }: PairReportOptions = {},
): PairReport {
  const outcomes = differences.map((difference) => [outcomeOf(difference)]);
  return {
    accuracy: bcaMean(outcomes, resamples(outcomes.length, bootstrap)),
    calibration: calibration(differences, { scale }),
    categories: categoryRates(outcomes, categories, bootstrap),
  };
}

/** A scorer's differences of labelled pairs, preferred less rejected. */
export async function scorerDifferences(
  data: TrainingData,
  scorer: Pick<EvaluationScorer, 'scoreMany'>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number[]> {
  const differences: number[] = [];
  for (const pair of data.pairs) {
    signal?.throwIfAborted();
    const { winner, loser = '' } = pair;
    const images = [await pairPicture(data, pair, winner), await pairPicture(data, pair, loser)];
    const caption = [pair.caption].flat()[0] ?? '';
    const [preferred = Number.NaN, rejected = Number.NaN] = scorer.scoreMany(images, [
      caption,
      caption,
    ]);
    differences.push(preferred - rejected);
  }
  return differences;
}

/** Draws whose times lie between two. */
export interface TimeBin {
  readonly from: number;
  /** Not in it. */
  readonly to: number;
  /** Draws. */
  readonly n: number;
  /** Share of single draws with the label's sign. */
  readonly accuracy: number;
  /** Mean logit, in units of β. */
  readonly margin: number;
}

export interface ImplicitReport extends PairReport {
  /** Where in the noise the reward knows better. */
  readonly times: readonly TimeBin[];
}

/**
 * The paper's accuracy with all around it. A pair's margin is its draws' mean, and σ(β · margin) what the policy claims.
 * @param betaDpo what the policy was trained with
 */
export function implicitReport(
  pairs: readonly ImplicitMargins[],
  {
    betaDpo,
    bins = 10,
    numTrainTimesteps = 1000,
    ...options
  }: Omit<PairReportOptions, 'scale'> & {
    readonly betaDpo: number;
    readonly bins?: number;
    readonly numTrainTimesteps?: number;
  },
): ImplicitReport {
  const margins = pairs.map((pair) => averageMargin(pair.margins));
  const draws = pairs.flatMap((pair) =>
    pair.margins.map((margin, i) => ({ margin, time: pair.timesteps[i] ?? Number.NaN })),
  );
  const width = numTrainTimesteps / bins;
  const times = Array.from({ length: bins }, (_, bin): TimeBin => {
    const [from, to] = [bin * width, (bin + 1) * width];
    const inside = draws
      .filter(({ time }) => time >= from && time < to)
      .map(({ margin }) => margin);
    const right = inside.map((margin) => outcomeOf(margin));
    return {
      from,
      to,
      n: inside.length,
      accuracy: averageMargin(right),
      margin: averageMargin(inside),
    };
  }).filter(({ n }) => n > 0);
  return { ...pairReport(margins, { ...options, scale: betaDpo }), times };
}
