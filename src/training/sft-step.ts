import { type PreferenceStepOptions, preferenceStep } from './preference-step';
import type { MicroStep } from './record';

export type SftStepOptions = Omit<PreferenceStepOptions, 'loss' | 'lossOptions' | 'reference'>;

/** One micro-batch of supervised fine-tuning on the preferred images. Upstream: train.py `--sft`. */
export const sftStep = (options: SftStepOptions): MicroStep =>
  preferenceStep({ ...options, loss: 'sft' });
