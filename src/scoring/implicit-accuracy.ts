import { noGrad } from '../engine';
import { type UNet, unet } from '../models';
import { dpoLoss } from '../preference';
import type { TorchGenerator } from '../random';
import { type Encoders, noiseBatch, type PairBatch } from '../training';
import { bootstrapMean, type Interval } from './bootstrap';

export interface ImplicitAccuracyOptions extends Encoders {
  readonly policy: UNet;
  readonly reference: UNet;
  /** Of times and noises: one of the same seed gives every policy the same, common random numbers. */
  readonly generator: TorchGenerator;
  /** Draws of time and noise per pair, over which the logit is averaged. @default 10 */
  readonly draws?: number;
}

/** What a policy's implicit reward says of one labelled pair. */
export interface ImplicitMargins {
  readonly caption: string;
  /** Logit of each draw in units of β: positive where the preferred picture has the higher reward. */
  readonly margins: readonly number[];
  /** Time of each draw, 0 … T−1. */
  readonly timesteps: readonly number[];
}

/**
 * How often the implicit reward ranks labelled pairs as they were labelled: the sign of the logit
 * averaged over times and noises (Wallace et al. 2023, Table 2), ties counting half. A policy equal
 * to its reference gives one half.
 * @param batches pairs that were not trained on, prompts not dropped
 */
export async function implicitAccuracy(
  batches: AsyncIterable<PairBatch> | Iterable<PairBatch>,
  options: ImplicitAccuracyOptions,
): Promise<Interval> {
  const outcomes: number[] = [];
  for await (const { margins } of implicitMargins(batches, options)) {
    const logit = averageMargin(margins);
    outcomes.push(logit > 0 ? 1 : logit < 0 ? 0 : 0.5);
  }
  return bootstrapMean(outcomes);
}

export const averageMargin = (margins: readonly number[]): number =>
  margins.reduce((sum, margin) => sum + margin, 0) / margins.length;

/** The same before anything is averaged, pair by pair. Parameters of {@link implicitAccuracy}. */
export async function* implicitMargins(
  batches: AsyncIterable<PairBatch> | Iterable<PairBatch>,
  options: ImplicitAccuracyOptions,
): AsyncGenerator<ImplicitMargins, void, void> {
  const { draws = 10 } = options;
  for await (const batch of batches) {
    const drawn = Array.from({ length: draws }, () => oneDraw(batch, options));
    for (const [i, caption] of batch.captions.entries())
      yield {
        caption,
        margins: drawn.map(({ logits }) => logits[i] ?? Number.NaN),
        timesteps: drawn.map(({ timesteps }) => timesteps[i] ?? Number.NaN),
      };
  }
}

/** Logits of a batch at one time and noise a pair, in units of β. */
function oneDraw(
  batch: PairBatch,
  options: ImplicitAccuracyOptions,
): { readonly logits: Float32Array; readonly timesteps: ArrayLike<number> } {
  const { policy, reference, generator } = options;
  return noGrad(() => {
    const { noisyLatents, timesteps, target, ...text } = noiseBatch(options, batch, generator);
    const modelPred = unet(policy, noisyLatents, timesteps, text);
    const refPred = unet(reference, noisyLatents, timesteps, text);
    const { insideTerm } = dpoLoss(modelPred, refPred, target, { betaDpo: 1 });
    return { logits: insideTerm.floats(), timesteps }; // the winners' times come first
  });
}
