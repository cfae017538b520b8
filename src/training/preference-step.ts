import {
  accumulateGrads,
  autocast,
  type MixedPrecision,
  noGrad,
  type Tensor,
  tidy,
} from '../engine';
import { type UNet, type UNetOptions, unet } from '../models';
import {
  type LossOptions,
  type LossTerms,
  type PreferenceLoss,
  type PreferenceLossName,
  preferenceLosses,
} from '../preference';
import type { TorchGenerator } from '../random';
import type { NoisingOptions } from './noise-draws';
import { type Encoders, isPaired, type NoisyBatch, noiseBatch, type PairBatch } from './noising';
import type { MicroRecord, MicroStep } from './record';

/** One micro-batch as it was computed. The tensors live until the one who is shown it returns. */
export interface SeenMicroBatch {
  readonly batch: PairBatch;
  readonly noisy: NoisyBatch;
  /** [2B, h, w, C]; absent where the loss has no reference. */
  readonly refPred?: Tensor;
  readonly terms: LossTerms;
  /** With the gradient of the optimizer step as far as it has come. */
  readonly policy: UNet;
}

export interface PreferenceStepOptions extends Encoders {
  readonly loss: PreferenceLossName;
  /** Its constants. @default those of `preferenceLosses[loss].defaults` */
  readonly lossOptions?: LossOptions;
  /** What is trained; its weights must be trainable (an optimizer makes them so). */
  readonly policy: UNet;
  /** Frozen, the policy at its start; for losses that have one. */
  readonly reference?: UNet;
  readonly generator: TorchGenerator;
  readonly noising?: NoisingOptions;
  /** Of both models, the autoencoder and the text encoder; the loss is float32. @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
  /** `blocks`: the policy's blocks keep no activations, and compute them again for the gradient. @default 'none' */
  readonly recompute?: UNetOptions['recompute'];
  /** Is shown every micro-batch. */
  readonly onMicroBatch?: (seen: SeenMicroBatch) => void;
}

/**
 * One micro-batch of preference training: both models see the same noisy pictures; the gradient of the loss, divided by
 * `accumulationSteps`, is added to the policy's. The reference predicts without a tape.
 *
 * @throws RangeError for a loss that needs a reference and has none; the step itself, for a batch of other pictures
 */
export function preferenceStep(options: PreferenceStepOptions): MicroStep {
  const { generator, noising, mixedPrecision = 'no' } = options;
  const loss: PreferenceLoss = preferenceLosses[options.loss];
  if (loss.reference === 'needed' && !options.reference)
    throw new RangeError(
      `The loss "${options.loss}" compares with a reference, and none is given.`,
    );
  const step = (batch: PairBatch, accumulationSteps: number) =>
    tidy(() => {
      checkPictures(options.loss, batch);
      const noisy = noiseBatch(options, batch, generator, noising);
      const refPred = referencePrediction(options, noisy);
      const { terms } = accumulateGrads(() => {
        const terms = termsOf(options, noisy, refPred);
        return { loss: terms.loss.div(accumulationSteps), terms };
      });
      const { policy, onMicroBatch } = options;
      onMicroBatch?.({ batch, noisy, ...(refPred ? { refPred } : {}), terms, policy });
      return recordOf(terms);
    });
  return (...batch) => autocast(mixedPrecision, () => step(...batch));
}

function checkPictures(name: PreferenceLossName, batch: PairBatch): void {
  const { pictures } = preferenceLosses[name];
  if (pictures === 'both' && !isPaired(batch))
    throw new RangeError(`The loss "${name}" needs both pictures of every pair in a batch.`);
  if (pictures === 'winner' && isPaired(batch))
    throw new RangeError(`The loss "${name}" is of winners: batch with pictures: 'winner'.`);
}

function referencePrediction(
  { loss, reference }: PreferenceStepOptions,
  { noisyLatents, timesteps, ...text }: NoisyBatch,
): Tensor | undefined {
  if (preferenceLosses[loss].reference === 'unused' || !reference) return undefined;
  return noGrad(() => unet(reference, noisyLatents, timesteps, text));
}

function termsOf(
  { loss, lossOptions, policy, recompute }: PreferenceStepOptions,
  { noisyLatents, timesteps, target, ...text }: NoisyBatch,
  refPred: Tensor | undefined,
): LossTerms {
  const modelPred = unet(policy, noisyLatents, timesteps, { ...text, recompute });
  const { reference, terms } = preferenceLosses[loss] as PreferenceLoss;
  return reference === 'needed'
    ? terms(modelPred, refPred as Tensor, target, lossOptions)
    : terms(modelPred, target, lossOptions);
}

/** The terms that a loss has, each averaged over the micro-batch. */
function recordOf(terms: LossTerms): MicroRecord {
  const entries = {
    loss: terms.loss,
    implicitAcc: terms.implicitAcc,
    modelLossW: terms.modelLossesW,
    modelLossL: terms.modelLossesL,
    refLossW: terms.refLossesW,
    refLossL: terms.refLossesL,
    margin: terms.insideTerm,
    gradientFactor: terms.gradientFactor,
  };
  const known = Object.entries(entries).flatMap(([key, term]) =>
    term ? [[key, term.mean().item()] as const] : [],
  );
  return Object.fromEntries(known) as unknown as MicroRecord;
}
