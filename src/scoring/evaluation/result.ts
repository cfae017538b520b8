/** What an evaluation found, as it stands in `result.json`. Every number has beside it what it was computed with. */
import { readJson } from '../../hub/json-file';
import type { SelectorIdentity } from '../identity';
import type { Variety } from '../variety';
import type { Estimate } from './bca';
import type { CodeVersion } from './code-version';
import type { ScoreComparison, ScoreTable } from './compare-scores';
import type { Look } from './picture-look';
import type { EvaluationSettings } from './settings';

export const RESULT_FILE = 'result.json';
export const RESULT_SCHEMA = 'diffusion-dpo/evaluation/1';

export interface EvaluationResult {
  readonly schema: typeof RESULT_SCHEMA;
  readonly code: CodeVersion;
  readonly settings: EvaluationSettings;
  readonly statistics: {
    /** Scores no further apart than this are ties, which count half. */
    readonly tieEpsilon: number;
    readonly resamples: number;
    /** Of the draws of the bootstrap. */
    readonly seed: number;
  };
  readonly scorers: readonly SelectorIdentity[];
  readonly models: readonly ModelSummary[];
  /** Each other model with the first, by each scorer. */
  readonly comparisons: readonly ModelComparison[];
  readonly drift: readonly Drift[];
}

/** Of one model's pictures alone. */
export interface ModelSummary {
  readonly model: string;
  readonly scores: {
    readonly [scorer: string]: { readonly mean: number; readonly median: number };
  };
  readonly look: Look;
  /** Of the pictures of one prompt across seeds, averaged over prompts; missing for one seed. */
  readonly variety?: Variety;
  /** Of how many pictures one in the training data is a copy; missing where those were not named. */
  readonly copies?: Copies;
}

export interface Copies {
  /** Pictures of the training data that were looked at. */
  readonly trainingPictures: number;
  /** With the same pixels. */
  readonly exact: number;
  /** With a difference hash at most `distance` of 64 bits away. */
  readonly near: number;
  readonly distance: number;
}

export interface ModelComparison extends ScoreComparison {
  readonly challenger: string;
  readonly base: string;
  readonly scorer: string;
  /** The challenger's score less the base's: [prompts][seeds]. */
  readonly differences: ScoreTable;
  /** Pictures of the largest differences. */
  readonly largest: { readonly wins: readonly Extreme[]; readonly losses: readonly Extreme[] };
}

/** Two pictures of one prompt and seed. */
export interface Extreme {
  readonly prompt: string;
  readonly seed: number;
  readonly difference: number;
  readonly challenger: string;
  readonly base: string;
}

/** How pictures' looks changed, whatever the scorers say. */
export interface Drift {
  readonly challenger: string;
  readonly base: string;
  readonly look: keyof Look;
  readonly from: number;
  readonly to: number;
  readonly difference: Estimate;
}

/** Reads a result that was written before. @throws RangeError naming the first field that is not as it must be */
export async function readResult(path: string): Promise<EvaluationResult> {
  const value = await readJson(path);
  if (value.schema !== RESULT_SCHEMA)
    throw new RangeError(
      `"${path}" is no result of an evaluation: its schema is ${JSON.stringify(value.schema)}, not "${RESULT_SCHEMA}".`,
    );
  for (const [place, kind] of FORM) check(value, place.split('.'), kind, { path, place });
  return value as unknown as EvaluationResult;
}

type Kind = 'string' | 'number' | 'list' | 'object';

/** What must be there; `*` stands for every entry of a list. */
const FORM: readonly (readonly [place: string, kind: Kind])[] = [
  ['code.version', 'string'],
  ['settings.models.*.name', 'string'],
  ['settings.models.*.hash', 'string'],
  ['settings.prompts.hash', 'string'],
  ['settings.prompts.count', 'number'],
  ['settings.seeds.*', 'number'],
  ['settings.noise', 'string'],
  ['settings.drawing', 'object'],
  ['statistics.tieEpsilon', 'number'],
  ['statistics.resamples', 'number'],
  ['statistics.seed', 'number'],
  ['scorers.*.name', 'string'],
  ['scorers.*.hash', 'string'],
  ['models.*.model', 'string'],
  ['models.*.scores', 'object'],
  ['models.*.look.colourfulness', 'number'],
  ...['challenger', 'base', 'scorer'].map((name) => [`comparisons.*.${name}`, 'string'] as const),
  ...['winRate', 'meanDifference', 'medianDifference'].flatMap((name) =>
    ['value', 'low', 'high', 'n'].map(
      (part) => [`comparisons.*.${name}.${part}`, 'number'] as const,
    ),
  ),
  ...['wins', 'losses', 'ties'].map((name) => [`comparisons.*.pairs.${name}`, 'number'] as const),
  ['comparisons.*.signTest.p', 'number'],
  ['comparisons.*.seeds.rates.*', 'number'],
  ['comparisons.*.differences.*.*', 'number'],
  ['comparisons.*.categories.*.rate', 'number'],
  ['comparisons.*.warnings.*', 'string'],
  ['comparisons.*.largest.wins.*.challenger', 'string'],
  ['comparisons.*.largest.losses.*.challenger', 'string'],
  ['drift.*.difference.value', 'number'],
];

function check(
  value: unknown,
  [name, ...rest]: readonly string[],
  kind: Kind,
  at: { readonly path: string; readonly place: string },
): void {
  const expected = name === undefined ? kind : name === '*' ? 'list' : 'object';
  if (kindOf(value) !== expected)
    throw new RangeError(
      `"${at.path}" is damaged: in ${at.place} ${JSON.stringify(value) ?? 'nothing'} stands where a ${expected} must be.`,
    );
  if (name === '*') for (const entry of value as unknown[]) check(entry, rest, kind, at);
  else if (name !== undefined) check((value as Record<string, unknown>)[name], rest, kind, at);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no number';
  return value === null ? 'nothing' : typeof value;
}
