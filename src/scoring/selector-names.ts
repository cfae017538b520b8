/** Scorers that are called by a name; what each is: scorers.ts. Told apart here without loading TensorFlow. */
export const SELECTOR_NAMES = [
  ...(['embedded', 'pickscore', 'hps', 'hps-v2.1'] as const),
  ...(['clip', 'aes', 'imagereward'] as const),
] as const;
export type SelectorName = (typeof SELECTOR_NAMES)[number];

export const isSelectorName = (name: string): name is SelectorName =>
  (SELECTOR_NAMES as readonly string[]).includes(name);
