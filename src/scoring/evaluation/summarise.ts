/** From numbers of pictures to what may be said of models. */
import type { PromptEntry } from '../../data';
import { bcaMean, resamples } from './bca';
import { type CompareScoresOptions, compareScores, type ScoreTable } from './compare-scores';
import { copiesAmong } from './copies';
import { LOOKS, type Look } from './picture-look';
import type { PlannedPicture } from './pictures';
import type { Drift, Extreme, ModelComparison, ModelSummary } from './result';
import type { LookedAt, Scored, Seen } from './score-pictures';
import { mean } from './variance';

/** Everything that was found out about the pictures of a folder. */
export interface Findings {
  /** The first is what the others are compared with. */
  readonly models: readonly string[];
  readonly prompts: readonly PromptEntry[];
  readonly pictures: readonly PlannedPicture[];
  readonly scored: readonly Scored[];
  readonly looked: LookedAt;
  /** Pictures of the training data, where it was named. */
  readonly training?: readonly Seen[];
}

type Options = Omit<CompareScoresOptions, 'categories'>;

/** Pictures shown of each end. */
const LARGEST = 10;

/** Each model but the first with the first, by each scorer. */
export function comparisons(findings: Findings, options: Options): ModelComparison[] {
  const { models, prompts, scored } = findings;
  const [base = '', ...challengers] = models;
  const categories = prompts.map((entry) => entry.categories);
  return challengers.flatMap((challenger) =>
    scored.map(({ identity, scores }) => {
      const of = (model: string) => tableOf(findings, model, (file) => scores.get(file));
      const [own, others] = [of(challenger), of(base)];
      const compared = compareScores(own, others, { ...options, categories });
      const differences = own.map((row, p) =>
        row.map((x, s) => x - (others[p]?.[s] ?? Number.NaN)),
      );
      const largest = largestOf(findings, [challenger, base], scores);
      return { challenger, base, scorer: identity.name, ...compared, differences, largest };
    }),
  );
}

/** A number of each picture of a model: [prompts][seeds]. */
function tableOf(
  { pictures, prompts }: Findings,
  model: string,
  of: (file: string) => number | undefined,
): ScoreTable {
  const rows: number[][] = prompts.map(() => []);
  for (const { model: own, promptIndex, file } of pictures)
    if (own === model) rows[promptIndex]?.push(of(file) ?? Number.NaN);
  return rows;
}

function largestOf(
  { pictures }: Findings,
  [challenger, base]: readonly [string, string],
  scores: ReadonlyMap<string, number>,
): ModelComparison['largest'] {
  const own = pictures.filter(({ model }) => model === challenger);
  const others = pictures.filter(({ model }) => model === base); // the same prompts and seeds in the same order
  const pairs = own.map(({ entry, seed, file }, i): Extreme => {
    const other = others[i]?.file ?? '';
    const difference = (scores.get(file) ?? Number.NaN) - (scores.get(other) ?? Number.NaN);
    return { prompt: entry.prompt, seed, difference, challenger: file, base: other };
  });
  const sorted = pairs.sort((a, b) => b.difference - a.difference);
  return {
    wins: sorted.filter(({ difference }) => difference > 0).slice(0, LARGEST),
    losses: sorted
      .filter(({ difference }) => difference < 0)
      .slice(-LARGEST)
      .reverse(),
  };
}

/** What each model's pictures are like on their own. */
export function summaries({
  models,
  pictures,
  scored,
  looked,
  training,
}: Findings): ModelSummary[] {
  return models.map((model) => {
    const files = pictures.flatMap((picture) => (picture.model === model ? [picture.file] : []));
    const seen = files.flatMap((file) => looked.seen.get(file) ?? []);
    const spreads = files.flatMap((file) => looked.variety.get(file) ?? []);
    const scores = scored.map(({ identity, scores: given }) => {
      const values = files.map((file) => given.get(file) ?? Number.NaN);
      return [identity.name, { mean: mean(values), median: median(values) }] as const;
    });
    const variety = {
      pixelDeviation: mean(spreads.map(({ pixelDeviation }) => pixelDeviation)),
      pairDistance: mean(spreads.map(({ pairDistance }) => pairDistance)),
    };
    return {
      model,
      scores: Object.fromEntries(scores),
      look: Object.fromEntries(
        LOOKS.map((name) => [name, mean(seen.map((s) => s[name]))]),
      ) as never,
      ...(spreads.length > 0 ? { variety } : {}),
      ...(training ? { copies: copiesAmong(seen, training) } : {}),
    };
  });
}

/** How looks changed, each with its interval. */
export function drifts(findings: Findings, options: Options): Drift[] {
  const { models, looked, prompts } = findings;
  const [base = '', ...challengers] = models;
  const drawn = resamples(prompts.length, options);
  return challengers.flatMap((challenger) =>
    LOOKS.map((name: keyof Look) => {
      const of = (model: string) =>
        tableOf(findings, model, (file) => looked.seen.get(file)?.[name]);
      const [from, to] = [of(base), of(challenger)];
      const differences = to.map((row, p) => row.map((x, s) => x - (from[p]?.[s] ?? Number.NaN)));
      const both = { from: mean(from.flat()), to: mean(to.flat()) };
      return { challenger, base, look: name, ...both, difference: bcaMean(differences, drawn) };
    }),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number) => sorted[i] ?? Number.NaN;
  return (at((sorted.length - 1) >> 1) + at(sorted.length >> 1)) / 2;
}
