import { accumulateGrads, autocast, type MixedPrecision, tidy } from '../engine';
import { type UNet, type UNetOptions, unet } from '../models';
import { sftLoss } from '../preference';
import type { TorchGenerator } from '../random';
import { type Encoders, isPaired, noiseBatch, type PairBatch } from './noising';
import type { MicroStep } from './record';

export interface SftStepOptions extends Encoders {
  readonly policy: UNet;
  readonly generator: TorchGenerator;
  /** Of the policy, the autoencoder and the text encoder; the loss is float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  /** `blocks`: the policy's blocks keep no activations, and compute them again for the gradient. @default 'none' */
  readonly recompute?: UNetOptions['recompute'];
}

/** One micro-batch of supervised fine-tuning on the preferred images. Upstream: train.py `--sft`. */
export function sftStep(options: SftStepOptions): MicroStep {
  const { policy, generator, mixedPrecision = 'no', recompute } = options;
  const step = (batch: PairBatch, accumulationSteps: number) =>
    tidy(() => {
      if (isPaired(batch))
        throw new RangeError("SFT trains on winners: batch with pictures: 'winner'.");
      const noisy = noiseBatch(options, batch, generator);
      const { noisyLatents, timesteps, target, ...text } = noisy;
      const { terms } = accumulateGrads(() => {
        const terms = sftLoss(
          unet(policy, noisyLatents, timesteps, { ...text, recompute }),
          target,
        );
        return { loss: terms.loss.div(accumulationSteps), terms };
      });
      return { loss: terms.loss.item() };
    });
  return (...batch) => autocast(mixedPrecision, () => step(...batch));
}
