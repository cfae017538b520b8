/**
 * Scorers of pictures under one interface: the original's `Selector(device).score(images, prompt)`, in batches, and
 * with the hash of the weights that gave the numbers. Upstream: DiffusionDPO, utils/*_utils.py.
 */
import { stat } from 'node:fs/promises';
import type { RgbImage, Selector } from '../data';
import { type SelectorIdentity, weightsHash } from './identity';
import { clipOfPath, type OpenScorer, type Scorer, type ScorerOptions } from './scorer-kinds';
import { SCORERS } from './scorers';
import { isSelectorName, SELECTOR_NAMES, type SelectorName } from './selector-names';

export interface ScoreOptions {
  /** Shares of the choices between the pictures instead of scores, as the original's `softmax=True`. @default false */
  readonly softmax?: boolean;
}

/** A scorer with the weights it loaded; `dispose` frees them. */
export interface LoadedSelector extends Selector {
  readonly identity: SelectorIdentity;
  /** One number a picture, higher is better; all have the same prompt. @throws RangeError for a softmax of marks */
  score(images: readonly RgbImage[], prompt: string, options?: ScoreOptions): number[];
  /** One number a picture, each against its own prompt. @throws RangeError where there are more of one than of the other */
  scoreMany(images: readonly RgbImage[], prompts: readonly string[]): number[];
  dispose(): void;
}

/**
 * Loads a scorer by its name, or the CLIP of a folder or repository: one in transformers' layout scores as PickScore
 * does, one in OpenCLIP's as the CLIP score.
 * @param name one of {@link SELECTOR_NAMES}, a path, or `owner/name` of the hub
 * @throws RangeError for a name that is none of these
 * @throws CheckpointError naming the file and what is wrong with it
 * @throws HubError where the hub or the network refuse
 */
export async function loadSelector(
  name: SelectorName | (string & {}),
  options: ScorerOptions = {},
): Promise<LoadedSelector> {
  const open = isSelectorName(name) ? SCORERS[name].open : await openerOfPath(name);
  const scorer = await open(options);
  try {
    const { files, revision } = scorer;
    return named({ name, revision, hash: await weightsHash(files) }, scorer);
  } catch (error) {
    scorer.dispose();
    throw error;
  }
}

/** A scorer of whatever model is there. */
async function openerOfPath(weights: string): Promise<OpenScorer> {
  const isPlace = weights.includes('/') || (await stat(weights).catch(() => undefined));
  if (isPlace) return (options) => clipOfPath({ ...options, weights });
  throw new RangeError(
    `There is no scorer "${weights}"; give ${SELECTOR_NAMES.join(', ')}, a path of a CLIP model, or owner/name of the hub.`,
  );
}

function named(identity: SelectorIdentity, { scoreMany, shares, dispose }: Scorer): LoadedSelector {
  const { name } = identity;
  const many = (images: readonly RgbImage[], prompts: readonly string[]) => {
    if (images.length === prompts.length) return scoreMany(images, prompts);
    throw new RangeError(
      `"${name}" is given ${images.length} pictures and ${prompts.length} prompts; it takes a prompt for each picture.`,
    );
  };
  return {
    name,
    identity,
    score(images, prompt, { softmax = false } = {}) {
      const scores = many(images, Array(images.length).fill(prompt));
      if (!softmax) return scores;
      if (shares) return shares(scores);
      throw new RangeError(`"${name}" marks each picture alone; it has no softmax.`);
    },
    scoreMany: many,
    dispose,
  };
}
