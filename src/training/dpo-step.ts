import { accumulateGrads, autocast, type MixedPrecision, noGrad, tidy } from '../engine';
import { type UNet, type UNetOptions, unet } from '../models';
import { dpoLoss } from '../preference';
import type { TorchGenerator } from '../random';
import { type Encoders, isPaired, noiseBatch, type PairBatch } from './noising';
import type { MicroStep } from './record';

export interface DpoStepOptions extends Encoders {
  /** What is trained; its weights must be trainable (an `AdamW` makes them so). */
  readonly policy: UNet;
  /** Frozen, the policy at its start. */
  readonly reference: UNet;
  readonly generator: TorchGenerator;
  /** @default 5000 */
  readonly betaDpo?: number;
  /** Of both models, the autoencoder and the text encoder; the loss is float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  /** `blocks`: the policy's blocks keep no activations, and compute them again for the gradient. @default 'none' */
  readonly recompute?: UNetOptions['recompute'];
}

/**
 * One micro-batch of Diffusion-DPO: both models see the same noisy pairs; the gradient of the loss,
 * divided by `accumulationSteps`, is added to the policy's. The reference predicts without a tape.
 */
export function dpoStep(options: DpoStepOptions): MicroStep {
  const { policy, reference, generator, betaDpo, mixedPrecision = 'no', recompute } = options;
  const step = (batch: PairBatch, accumulationSteps: number) =>
    tidy(() => {
      if (!isPaired(batch))
        throw new RangeError('DPO needs both pictures of every pair in a batch.');
      const { noisyLatents, timesteps, target, ...text } = noiseBatch(options, batch, generator);
      const refPred = noGrad(() => unet(reference, noisyLatents, timesteps, text));
      const { terms } = accumulateGrads(() => {
        const modelPred = unet(policy, noisyLatents, timesteps, { ...text, recompute });
        const terms = dpoLoss(modelPred, refPred, target, betaDpo === undefined ? {} : { betaDpo });
        return { loss: terms.loss.div(accumulationSteps), terms };
      });
      return {
        loss: terms.loss.item(),
        implicitAcc: terms.implicitAcc.item(),
        modelLossW: terms.modelLossesW.mean().item(),
        modelLossL: terms.modelLossesL.mean().item(),
        refLossW: terms.refLossesW.mean().item(),
        refLossL: terms.refLossesL.mean().item(),
        margin: terms.insideTerm.mean().item(),
        gradientFactor: terms.gradientFactor.mean().item(),
      };
    });
  return (...batch) => autocast(mixedPrecision, () => step(...batch));
}
