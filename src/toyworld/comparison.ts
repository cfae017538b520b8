/** Same prompts, same seeds, two models: who draws better, by the judge and by the scorer? */
import type { RgbImage } from '../data/image';
import { generateImages, type TextToImage } from '../diffusion';
import type { ClipFolder } from '../hub';
import { clipScores, type Variety, variety, type WinRate, winRate } from '../scoring';
import { FAITHFUL_TERMS, judge, TERMS, type Term, type Terms, utility } from './judge';
import { DRAWING } from './making/pairs';

/** Pictures of one model, one per prompt, with the judge's terms and the scorer's cosines. */
export interface Drawn {
  readonly prompts: readonly string[];
  readonly images: readonly RgbImage[];
  readonly terms: readonly Terms[];
  readonly scores: readonly number[];
}

/** Prompts drawn together. */
const CHUNK = 50;

/**
 * Draws one picture per prompt, each from its own seed (`seed` + its position), and yields after
 * every chunk how many are done; returns them all. The same for every model and every chunk size.
 */
export function* drawPrompts(
  pipeline: TextToImage,
  prompts: readonly string[],
  { seed = 0 } = {},
): Generator<number, RgbImage[], void> {
  const images: RgbImage[] = [];
  for (let from = 0; from < prompts.length; from += CHUNK) {
    const prompt = prompts.slice(from, from + CHUNK);
    const seeds = prompt.map((_, i) => seed + from + i);
    images.push(...generateImages(pipeline, { prompt, seed: seeds, ...DRAWING }));
    yield images.length;
  }
  return images;
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
