import type { MicroRecord, StepRecord } from './record';

/** What was known of the step that went wrong. */
export type BrokenStep = MicroRecord & Pick<StepRecord, 'step'> & { readonly gradNorm?: number };

/** A loss or a gradient that is NaN or infinite. The weights are as the step before left them. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';

  constructor(
    readonly what: 'loss' | 'gradient',
    value: number,
    /** For a look at what led there. */
    readonly record: BrokenStep,
  ) {
    super(
      `The ${what} of step ${record.step} is ${value}, expected a finite number; the weights were not touched. ` +
        'A lower learning rate, or float32 instead of a smaller type, usually helps.',
    );
  }
}
