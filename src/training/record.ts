import type { PairBatch } from './noising';

/** What one micro-batch tells, averaged over its pairs; terms that a loss does not have are absent. */
export interface MicroRecord {
  readonly loss: number;
  /** Share of pairs that the policy ranks as labelled. */
  readonly implicitAcc?: number;
  /** Denoising errors on preferred (W) and rejected (L) images. */
  readonly modelLossW?: number;
  readonly modelLossL?: number;
  readonly refLossW?: number;
  readonly refLossL?: number;
  /** Mean of the loss's `insideTerm`; of DPO, the logit −½ β (modelDiff − refDiff). */
  readonly margin?: number;
  /** Mean of the loss's `gradientFactor`; of DPO, σ(−logit). */
  readonly gradientFactor?: number;
}

/** Adds the gradient of one micro-batch, divided by the number of micro-batches in a step. */
export type MicroStep = (batch: PairBatch, accumulationSteps: number) => MicroRecord;

/** One optimizer step, as notebooks, the command line and tests see it. */
export interface StepRecord extends MicroRecord {
  /** Counted from 1. */
  readonly step: number;
  readonly maxTrainSteps: number;
  /** As the original logs it: the sum of the micro-batches' losses over `gradient_accumulation_steps`. */
  readonly trainLoss: number;
  /** The same of `implicitAcc`. */
  readonly implicitAccAccumulated?: number;
  /** Mean of the policy's errors on both images, of the last micro-batch alone; and the reference's. */
  readonly modelMseUnaccumulated?: number;
  readonly refMseUnaccumulated?: number;
  /** Of all gradients together, before clipping. */
  readonly gradNorm: number;
  /** The rate this step was taken with. */
  readonly learningRate: number;
  /** The rate of the step after this one. */
  readonly nextLearningRate: number;
  readonly pairsPerSecond: number;
  readonly secondsLeft: number;
  /** Live tensors after the step: the same at every step, or something leaks. */
  readonly tensors: number;
}

/** The mean of micro-records, key by key. */
export function meanRecord(records: readonly MicroRecord[]): MicroRecord {
  const sums: Record<string, number> = {};
  for (const record of records)
    for (const [key, value] of Object.entries(record)) sums[key] = (sums[key] ?? 0) + value;
  return Object.fromEntries(
    Object.entries(sums).map(([key, sum]) => [key, sum / records.length]),
  ) as unknown as MicroRecord;
}
