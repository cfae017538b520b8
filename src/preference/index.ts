/** The losses of preference training. */
export { type DpoOptions, type DpoTerms, dpoLoss } from './dpo';
export { forBothImages, perRowMse, splitPair } from './pair';
export { sftLoss } from './sft';
