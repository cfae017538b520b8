import type { Tensor } from '../engine';
import { type DpoOptions, dpoLoss } from './dpo';
import { dspoLoss } from './dspo';
import { hingeLoss } from './hinge';
import { ipoLoss } from './ipo';
import { type KtoOptions, ktoLoss } from './kto';
import type { LossTerms } from './loss-terms';
import { type MapoOptions, mapoLoss } from './mapo';
import { sftLoss } from './sft';

/** The constants of all losses; each takes those it has. */
export type LossOptions = DpoOptions & MapoOptions & KtoOptions;

/** A loss that policy and reference both enter. `modelPred`, `refPred`, `target`: [2B, H, W, C]. */
export interface ReferenceLoss {
  readonly pictures: 'both';
  readonly reference: 'needed';
  readonly defaults: LossOptions;
  readonly terms: (
    modelPred: Tensor,
    refPred: Tensor,
    target: Tensor,
    options?: LossOptions,
  ) => LossTerms;
}

/** A loss of the policy alone; of rows [B, …] where it takes the winners only, else [2B, …]. */
export interface ReferenceFreeLoss {
  readonly pictures: 'both' | 'winner';
  readonly reference: 'unused';
  readonly defaults: LossOptions;
  readonly terms: (modelPred: Tensor, target: Tensor, options?: LossOptions) => LossTerms;
}

export type PreferenceLoss = ReferenceLoss | ReferenceFreeLoss;

const ofPairs = { pictures: 'both', reference: 'needed' } as const;

/** Every loss by its name on the command line, with what it needs and the constants it takes where none are given. */
export const preferenceLosses = {
  dpo: { ...ofPairs, defaults: { betaDpo: 5000 }, terms: dpoLoss },
  ipo: { ...ofPairs, defaults: { betaDpo: 5000 }, terms: ipoLoss },
  hinge: { ...ofPairs, defaults: { betaDpo: 5000 }, terms: hingeLoss },
  kto: {
    ...ofPairs,
    defaults: { betaDpo: 1000, lambdaDKto: 1, lambdaUKto: 1, halo: 'sigmoid' },
    terms: ktoLoss,
  },
  dspo: { ...ofPairs, defaults: { betaDpo: 0.001 }, terms: dspoLoss },
  mapo: {
    pictures: 'both',
    reference: 'unused',
    defaults: { betaMapo: 0.1, snrValue: 0.5, numTrainTimesteps: 1000 },
    terms: mapoLoss,
  },
  sft: { pictures: 'winner', reference: 'unused', defaults: {}, terms: sftLoss },
} as const satisfies Record<string, PreferenceLoss>;

export type PreferenceLossName = keyof typeof preferenceLosses;
