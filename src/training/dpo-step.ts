import type { UNet } from '../models';
import { type PreferenceStepOptions, preferenceStep } from './preference-step';
import type { MicroStep } from './record';

export interface DpoStepOptions extends Omit<PreferenceStepOptions, 'loss' | 'lossOptions'> {
  /** Frozen, the policy at its start. */
  readonly reference: UNet;
  /** @default 5000 */
  readonly betaDpo?: number;
}

/** One micro-batch of Diffusion-DPO: `preferenceStep` with the loss `dpo`. */
export const dpoStep = ({ betaDpo, ...options }: DpoStepOptions): MicroStep =>
  preferenceStep({
    ...options,
    loss: 'dpo',
    lossOptions: betaDpo === undefined ? {} : { betaDpo },
  });
