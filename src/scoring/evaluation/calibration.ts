/** Do the probabilities that margins stand for come true? */

/** Pairs of which the same was claimed. */
export interface CalibrationBin {
  /** Confidences from `low` to `high`. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
  /** Mean of what was claimed. */
  readonly confidence: number;
  /** Share of them that were as labelled. */
  readonly accuracy: number;
}

export interface Calibration {
  /** Bins with pairs in them, by confidence. */
  readonly bins: readonly CalibrationBin[];
  /** Expected calibration error: Σ n/N · |accuracy − confidence|. */
  readonly error: number;
  /** −log σ(margin), averaged: ln 2 for somebody who knows nothing. */
  readonly logLoss: number;
  /** What differences were multiplied by to be log-odds. */
  readonly scale: number;
}

/**
 * Reliability of σ(margin) as the probability that the picture ahead was preferred (Guo et al. 2017, arXiv 1706.04599,
 * equations 2 and 3), in bins of equal width from ½ to 1.
 * @param margins log-odds that the preferred picture is the better one: positive where label and margin agree
 */
export function calibration(
  margins: readonly number[],
  { bins: count = 10, scale = 1 }: { readonly bins?: number; readonly scale?: number } = {},
): Calibration {
  if (margins.length === 0) throw new RangeError('A calibration needs at least one margin.');
  const width = 0.5 / count;
  const claimed = margins.map((margin) => {
    const confidence = sigmoid(Math.abs(scale * margin));
    const bin = Math.min(count - 1, Math.floor((confidence - 0.5) / width));
    return { confidence, bin, right: margin > 0 ? 1 : margin < 0 ? 0 : 0.5 };
  });
  const bins = Array.from({ length: count }, (_, bin): CalibrationBin => {
    const inside = claimed.filter((pair) => pair.bin === bin);
    const n = inside.length;
    const low = 0.5 + bin * width;
    const meanOf = (of: 'confidence' | 'right') => inside.reduce((sum, x) => sum + x[of], 0) / n;
    return {
      low,
      high: low + width,
      n,
      confidence: meanOf('confidence'),
      accuracy: meanOf('right'),
    };
  }).filter(({ n }) => n > 0);
  const off = bins.map(({ n, confidence, accuracy }) => n * Math.abs(accuracy - confidence));
  const losses = margins.map((margin) => softplus(-scale * margin));
  const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / margins.length;
  return { bins, error: average(off), logLoss: average(losses), scale };
}

/**
 * The scale s at which Σ log σ(s · difference) is largest: the temperature of Guo et al. 2017, section 4.2, by Newton's
 * steps on a concave function.
 * @returns undefined where no scale is the best: all differences agree with the labels, or none does
 */
export function fittedScale(differences: readonly number[]): number | undefined {
  const right = differences.filter((d) => d > 0).length;
  const wrong = differences.filter((d) => d < 0).length;
  if (right === 0 || wrong === 0) return undefined;
  const size = differences.reduce((sum, d) => sum + Math.abs(d), 0) / differences.length;
  let scale = 0;
  for (let step = 0; step < 100; step++) {
    let [slope, curvature] = [0, 0];
    for (const d of differences) {
      const p = sigmoid(-scale * d);
      slope += d * p;
      curvature += d * d * p * (1 - p);
    }
    // A longer step may overshoot where the curve is flat.
    scale += Math.max(-2 / size, Math.min(2 / size, slope / curvature));
  }
  return scale;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
