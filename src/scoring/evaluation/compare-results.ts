/** Two evaluations beside each other: the same comparison in both, and whether they may be compared at all. */
import { bcaMean, type Estimate, resamples } from './bca';
import { outcomeOf } from './compare-scores';
import type { EvaluationResult, ModelComparison } from './result';

/** One challenger by one scorer, in both. */
export interface ResultChange {
  readonly challenger: string;
  readonly scorer: string;
  readonly before: Estimate;
  readonly after: Estimate;
  /** Win rate after less before, prompt by prompt; missing where prompts or seeds are not the same. */
  readonly change?: Estimate;
}

export interface ResultsCompared {
  readonly changes: readonly ResultChange[];
  /** What differs between the two, so that numbers may differ for that reason. */
  readonly notes: readonly string[];
}

/** Matches comparisons by challenger and scorer; where each has one challenger, whatever it is called. */
export function compareResults(before: EvaluationResult, after: EvaluationResult): ResultsCompared {
  const isPaired =
    before.settings.prompts.hash === after.settings.prompts.hash &&
    before.settings.seeds.join() === after.settings.seeds.join();
  const single = [before, after].every(({ settings }) => settings.models.length === 2);
  const changes = before.comparisons.flatMap((one): ResultChange[] => {
    const other = after.comparisons.find(
      ({ challenger, scorer }) =>
        scorer === one.scorer && (single || challenger === one.challenger),
    );
    if (!other) return [];
    const { challenger, scorer, winRate } = one;
    const rates = { challenger, scorer, before: winRate, after: other.winRate };
    return [isPaired ? { ...rates, change: changeOf([one, before], [other, after]) } : rates];
  });
  return { changes, notes: notesOf(before, after) };
}

type OfResult = readonly [comparison: ModelComparison, result: EvaluationResult];

function changeOf(before: OfResult, after: OfResult): Estimate {
  const [earlier, later] = [before, after].map(([{ differences }, { statistics }]) =>
    differences.map((row) => row.map((difference) => outcomeOf(difference, statistics.tieEpsilon))),
  );
  const changes = (later ?? []).map((row, p) =>
    row.map((outcome, s) => outcome - (earlier?.[p]?.[s] ?? Number.NaN)),
  );
  const { resamples: count, seed } = after[1].statistics;
  return bcaMean(changes, resamples(changes.length, { resamples: count, seed }));
}

function notesOf(before: EvaluationResult, after: EvaluationResult): string[] {
  const notes: string[] = [];
  const differ = (what: string, of: (result: EvaluationResult) => unknown) => {
    const [a, b] = [before, after].map((result) => JSON.stringify(of(result)));
    if (a !== b) notes.push(`${what}: ${a}, then ${b}`);
  };
  differ('prompts', ({ settings }) => settings.prompts.hash.slice(0, 12));
  differ('seeds', ({ settings }) => settings.seeds);
  differ('noise', ({ settings }) => settings.noise);
  differ('drawing', ({ settings }) => settings.drawing);
  differ('schedulers', ({ settings }) => settings.models.map(({ scheduler }) => scheduler));
  differ('base weights', ({ settings }) => settings.models[0]?.hash.slice(0, 12));
  differ('ties within', ({ statistics }) => statistics.tieEpsilon);
  for (const { name } of before.scorers)
    if (after.scorers.some((scorer) => scorer.name === name))
      differ(`scorer ${name}`, ({ scorers }) =>
        scorers.find((scorer) => scorer.name === name)?.hash.slice(0, 12),
      );
  differ('code', ({ code }) => code);
  return notes;
}
