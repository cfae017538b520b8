/** Scorers by name, the rule of the embedded world among them. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { RgbImage } from '../../data';
import { FAITHFUL_TERMS, judge, TERMS, type Term, utility } from '../../toyworld/judge';
import { type SelectorIdentity, weightsHash } from '../identity';
import type { ScorerOptions } from '../scorer-kinds';
import { SCORERS } from '../scorers';
import { loadSelector } from '../selector';

/** What gives pictures numbers, and who it is. */
export interface EvaluationScorer {
  readonly identity: SelectorIdentity;
  /** One number a picture, each against its own prompt; higher is better. */
  scoreMany(images: readonly RgbImage[], prompts: readonly string[]): number[];
  dispose(): void;
}

/** The terms of the world's judge that a name counts. */
const JUDGES: Readonly<Record<string, readonly Term[]>> = {
  judge: TERMS,
  faithful: FAITHFUL_TERMS,
};

/** The sources that a judge's numbers come from: its hash changes with its rule. */
const RULE = ['judge', 'figure', 'shape-match', 'captions', 'scenes', 'shapes'];

/**
 * `judge`, `faithful`: the known rule of the embedded world; a name of `loadSelector`; or `NAME=WEIGHTS`: a scorer with the
 * weights of another place, for `aes=` its head.
 * @throws Error in one sentence, as `loadSelector` does
 */
export async function openScorer(
  spec: string,
  options: ScorerOptions = {},
): Promise<EvaluationScorer> {
  const terms = JUDGES[spec];
  if (terms) return worldJudge(spec, terms);
  const { name, weights } = scorerParts(spec);
  const place = weights === undefined ? {} : name === 'aes' ? { mlp: weights } : { weights };
  if (weights !== undefined && !Object.hasOwn(SCORERS, name)) {
    const selector = await loadSelector(weights, options);
    return { ...selector, identity: { ...selector.identity, name } };
  }
  const selector = await loadSelector(name, { ...options, ...place });
  const isPath = !Object.hasOwn(SCORERS, name) && existsSync(name);
  const shown = isPath ? basename(resolve(name)) : name; // a report tells no path
  return { ...selector, identity: { ...selector.identity, name: shown } };
}

/** The name and the place in `NAME=WEIGHTS`. */
export function scorerParts(spec: string): { readonly name: string; readonly weights?: string } {
  const at = spec.indexOf('=');
  return at < 0 ? { name: spec } : { name: spec.slice(0, at), weights: spec.slice(at + 1) };
}

async function worldJudge(name: string, terms: readonly Term[]): Promise<EvaluationScorer> {
  const folder = resolve(__dirname, '..', '..', 'toyworld');
  const hash = await weightsHash(RULE.map((file) => join(folder, `${file}.ts`)));
  return {
    identity: { name, revision: 'local', hash },
    scoreMany: (images, prompts) =>
      images.map((image, i) => utility(judge(image, prompts[i] ?? ''), terms)),
    dispose: () => undefined,
  };
}
