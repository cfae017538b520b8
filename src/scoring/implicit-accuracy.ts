import { noGrad } from '../engine';
import { type UNet, unet } from '../models';
import { dpoLoss } from '../preference';
import type { TorchGenerator } from '../random';
import { type Encoders, noiseBatch, type PairBatch } from '../training';
import { bootstrapMean, type Interval } from './bootstrap';

export interface ImplicitAccuracyOptions extends Encoders {
  readonly policy: UNet;
  readonly reference: UNet;
  readonly generator: TorchGenerator;
  /** Draws of time and noise per pair, over which the logit is averaged. @default 10 */
  readonly draws?: number;
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
  for await (const batch of batches) {
    const logits = averageLogits(batch, options);
    outcomes.push(...logits.map((x) => (x > 0 ? 1 : x < 0 ? 0 : 0.5)));
  }
  return bootstrapMean(outcomes);
}

/** Mean logit of every pair of a batch, in units of β. */
function averageLogits(batch: PairBatch, options: ImplicitAccuracyOptions): number[] {
  const { policy, reference, generator, draws = 10 } = options;
  const sums = new Array<number>(batch.captions.length).fill(0);
  for (let draw = 0; draw < draws; draw++)
    noGrad(() => {
      const { noisyLatents, timesteps, target, ...text } = noiseBatch(options, batch, generator);
      const [modelPred, refPred] = [policy, reference].map((model) =>
        unet(model, noisyLatents, timesteps, text),
      );
      if (!modelPred || !refPred) return;
      const { insideTerm } = dpoLoss(modelPred, refPred, target, { betaDpo: 1 });
      insideTerm.floats().forEach((logit, i) => {
        sums[i] = (sums[i] ?? 0) + logit / draws;
      });
    });
  return sums;
}
