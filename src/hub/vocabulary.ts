import type { ClipTokenizer } from '../models/tokenizer';
import { CheckpointError } from './checkpoint-error';

/**
 * A token beyond the embedding table would fail far from its cause.
 * @param dir the tokenizer's folder
 * @throws CheckpointError where the tokenizer can make an id ≥ `vocabSize`
 */
export function checkVocabulary(dir: string, tokenizer: ClipTokenizer, vocabSize: number): void {
  const { vocab, added } = tokenizer.definition;
  const ids = [...vocab.values(), ...added.map(({ id }) => id)];
  const largest = ids.reduce((a, b) => Math.max(a, b), 0);
  if (largest < vocabSize) return;
  throw new CheckpointError(
    dir,
    `it makes the id ${largest}, but the text encoder knows ${vocabSize} tokens.`,
  );
}
