/** Same prompts, same seeds, two models: who draws better, by the judge and by the scorer? */
import { type PreferencePairs, pairPicture } from '../data';
import type { RgbImage } from '../data/image';
import { generateImages, type TextToImage } from '../diffusion';
import type { MixedPrecision } from '../engine';
import type { ClipFolder } from '../hub';
import { clipScores, type Variety, variety, type WinRate, winRate } from '../scoring';
import { FAITHFUL_TERMS, judge, TERMS, type Term, type Terms, utility } from './judge';
import { bayesCeiling } from './labels';
import { DRAWING } from './making/pairs';

/** Pictures of one model, one per prompt, with the judge's terms and the scorer's cosines. */
export interface Drawn {
  readonly prompts: readonly string[];
  readonly images: readonly RgbImage[];
  readonly terms: readonly Terms[];
  readonly scores: readonly number[];
}

/** Prompts drawn together by `drawPrompts`. */
export const DRAWN_TOGETHER = 25;

export interface DrawPromptsOptions {
  /** Of the first picture. @default 0 */
  readonly seed?: number;
  /** @default 'no' */
  readonly mixedPrecision?: MixedPrecision;
}

/**
 * Draws one picture per prompt, each from its own seed (`seed` + its position): the same for every
 * model. Yields the pictures of one chunk of prompts after the other.
 */
export function* drawPrompts(
  pipeline: TextToImage,
  prompts: readonly string[],
  { seed = 0, mixedPrecision = 'no' }: DrawPromptsOptions = {},
): Generator<RgbImage[], void, void> {
  for (let from = 0; from < prompts.length; from += DRAWN_TOGETHER) {
    const prompt = prompts.slice(from, from + DRAWN_TOGETHER);
    const seeds = prompt.map((_, i) => seed + from + i);
    yield generateImages(pipeline, { prompt, seed: seeds, mixedPrecision, ...DRAWING });
  }
}

/** Judges and scores pictures against the prompts they were drawn from. */
export function assess(
  images: readonly RgbImage[],
  prompts: readonly string[],
  scorer: ClipFolder,
): Drawn {
  const terms = images.map((image, i) => judge(image, prompts[i] ?? ''));
  return { prompts, images, terms, scores: clipScores(scorer, images, prompts) };
}

/** What a comparison says, each rate with its interval. */
export interface Comparison {
  /** By the judge's whole utility. */
  readonly judge: WinRate;
  /** By what the caption asks for alone. */
  readonly faithful: WinRate;
  /** By the learnt scorer. */
  readonly scorer: WinRate;
  readonly utility: { readonly base: number; readonly tuned: number };
  readonly terms: Readonly<Record<Term, { readonly base: number; readonly tuned: number }>>;
  readonly variety: { readonly base: Variety; readonly tuned: Variety };
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Compares a tuned model's pictures with the base's, prompt by prompt. */
export function compare(tuned: Drawn, base: Drawn): Comparison {
  const worth = ({ terms }: Drawn, of: readonly Term[] = TERMS) => terms.map((t) => utility(t, of));
  const meanTerm = ({ terms }: Drawn, term: Term) => mean(terms.map((t) => t[term]));
  const both = <T>(of: (drawn: Drawn) => T) => ({ base: of(base), tuned: of(tuned) });
  return {
    judge: winRate(worth(tuned), worth(base)),
    faithful: winRate(worth(tuned, FAITHFUL_TERMS), worth(base, FAITHFUL_TERMS)),
    scorer: winRate(tuned.scores, base.scores),
    utility: both((drawn) => mean(worth(drawn))),
    terms: Object.fromEntries(
      TERMS.map((term) => [term, both((drawn) => meanTerm(drawn, term))]),
    ) as Comparison['terms'],
    variety: both(({ images }) => variety(images)),
  };
}

/** The Bayes ceiling of labelled pairs: how often their judge's better picture was labelled so, at best. */
export async function pairCeiling(data: PreferencePairs): Promise<number> {
  const differences: number[] = [];
  for (const pair of data.pairs) {
    const [first, second] = [
      await pairPicture(data, pair, 'jpg_0'),
      await pairPicture(data, pair, 'jpg_1'),
    ];
    differences.push(utility(judge(first, pair.caption)) - utility(judge(second, pair.caption)));
  }
  return bayesCeiling(differences);
}
