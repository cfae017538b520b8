/** A result as files that people and programs read: JSON, CSV and a table in Markdown. */
import { join } from 'node:path';
import { writeTextAtomically } from '../../hub/atomic';
import type { SelectorIdentity } from '../identity';
import type { Estimate } from './bca';
import { type EvaluationResult, type ModelComparison, RESULT_FILE } from './result';
import type { Findings } from './summarise';

/** Writes `result.json`, `result.csv`, `result.md` and, with a row for each picture, `scores.csv`. */
export async function writeResult(
  folder: string,
  result: EvaluationResult,
  findings: Findings,
): Promise<void> {
  const files = {
    [RESULT_FILE]: `${indented(result)}\n`,
    'result.csv': resultCsv(result),
    'result.md': resultMarkdown(result),
    'scores.csv': scoresCsv(findings),
  };
  for (const [name, text] of Object.entries(files))
    await writeTextAtomically(join(folder, name), text);
}

/** JSON with lists of numbers in one line. */
const indented = (value: object): string =>
  JSON.stringify(value, undefined, 2).replace(/\[[-\d.,e+\s]+\]/g, (list) =>
    list.replace(/\s+/g, ''),
  );

type Cell = string | number;

/** RFC 4180: cells with commas, quotes or line breaks are quoted. */
function csv(rows: readonly (readonly Cell[])[]): string {
  const quoted = (cell: Cell) => {
    const text = String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(quoted).join(',')}\n`).join('');
}

/** A row for each comparison, with all that it was computed with. */
export function resultCsv({ comparisons, ...rest }: EvaluationResult): string {
  const rows = comparisons.map((comparison) => comparisonCells(comparison, rest));
  return csv([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]);
}

function comparisonCells(
  comparison: ModelComparison,
  { settings, scorers, code, statistics }: Omit<EvaluationResult, 'comparisons'>,
): Record<string, Cell> {
  const { challenger, base, scorer, pairs, winRate, signTest } = comparison;
  const { revision = '', hash = '' } = identityOf(scorers, scorer);
  const model = (name: string) => settings.models.find((one) => one.name === name);
  const ends = (name: string, { value, low, high, method }: Estimate) => ({
    ...{ [name]: value, [`${name}_low`]: low, [`${name}_high`]: high },
    [`${name}_interval`]: method,
  });
  return {
    ...{ challenger, base, scorer, scorer_revision: revision, scorer_sha256: hash },
    ...{ prompts: winRate.n, seeds: settings.seeds.join(' '), noise: settings.noise, ...pairs },
    ...ends('win_rate', winRate),
    ...ends('mean_difference', comparison.meanDifference),
    ...ends('median_difference', comparison.medianDifference),
    sign_test_p: signTest.p,
    tie_epsilon: statistics.tieEpsilon,
    resamples: statistics.resamples,
    steps: settings.drawing.numInferenceSteps ?? '',
    guidance_scale: settings.drawing.guidanceScale ?? '',
    scheduler: settings.drawing.scheduler ?? model(challenger)?.scheduler ?? '',
    prompt_set: settings.prompts.name,
    prompts_sha256: settings.prompts.hash,
    challenger_sha256: model(challenger)?.hash ?? '',
    base_sha256: model(base)?.hash ?? '',
    code: [code.version, ...(code.commit ? [code.commit] : [])].join(' '),
  };
}

const identityOf = (
  scorers: readonly SelectorIdentity[],
  name: string,
): Partial<SelectorIdentity> => scorers.find((scorer) => scorer.name === name) ?? {};

function scoresCsv({ pictures, scored }: Findings): string {
  const head = ['model', 'prompt_index', 'prompt', 'seed', 'file'];
  const rows = pictures.map(({ model, promptIndex, entry, seed, file }) => [
    ...[model, promptIndex, entry.prompt, seed, file],
    ...scored.map(({ scores }) => scores.get(file) ?? ''),
  ]);
  return csv([[...head, ...scored.map(({ identity }) => identity.name)], ...rows]);
}

const percent = (share: number) => (100 * share).toFixed(1);
const short = (x: number) => String(Number(x.toPrecision(3))).replace('-', '−');

/** `61.2 % (55.0–67.1)` */
export const rateText = ({ value, low, high }: Estimate): string =>
  `${percent(value)} % (${percent(low)}–${percent(high)})`;

export const differenceText = ({ value, low, high }: Estimate): string =>
  `${short(value)} (${short(low)} … ${short(high)})`;

/** p to three digits, not a row of zeros. */
export const pText = (p: number): string => (p < 0.001 ? p.toExponential(1) : p.toFixed(3));

/** The comparisons, and below them what they were computed with. */
export function resultMarkdown(result: EvaluationResult): string {
  const head = [
    'model',
    'scorer',
    'win rate',
    'mean difference',
    'median difference',
    'sign test p',
    'won, lost, tied',
  ];
  const rows = result.comparisons.map(
    ({ challenger, base, scorer, winRate, meanDifference, medianDifference, signTest, pairs }) => [
      `${challenger} against ${base}`,
      ...[scorer, rateText(winRate), differenceText(meanDifference)],
      ...[differenceText(medianDifference), pText(signTest.p)],
      `${pairs.wins}, ${pairs.losses}, ${pairs.ties}`,
    ],
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const warnings = [
    ...new Set(result.comparisons.flatMap((c) => c.warnings.map((w) => `${c.scorer}: ${w}`))),
  ];
  return [
    ...[line(head), line(head.map(() => '---')), ...rows.map(line), ''],
    ...[...provenance(result), ...warnings].map((sentence) => `- ${sentence}`),
    '',
  ].join('\n');
}

/** In sentences, what the numbers were computed with. */
export function provenance({ settings, scorers, statistics, code }: EvaluationResult): string[] {
  const { models, prompts, seeds, noise, drawing } = settings;
  const { numInferenceSteps = 50, guidanceScale, scheduler } = drawing;
  return [
    `${prompts.count} prompts of ${prompts.name} (SHA-256 ${prompts.hash.slice(0, 12)}), ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}; ${noise === 'shared' ? 'all prompts begin with the same noise' : 'each prompt has noise of its own'}, the same for every model`,
    `${scheduler ?? [...new Set(models.map((model) => model.scheduler))].join(', ')}, ${numInferenceSteps} steps, guidance ${guidanceScale ?? "of each model's kind"}`,
    ...models.map(({ name, source, hash }) => `${name}: ${source}, weights ${hash.slice(0, 12)}`),
    ...scorers.map(
      ({ name, revision, hash }) =>
        `scorer ${name}: revision ${revision}, SHA-256 ${hash.slice(0, 12)}`,
    ),
    `intervals: 95 %, BCa bootstrap of prompts (${statistics.resamples} resamples, seed ${statistics.seed}; BC for medians); scores within ${statistics.tieEpsilon} are ties and count half; sign test exact, two-sided, prompts as units`,
    `code: version ${code.version}${code.commit ? `, commit ${code.commit}` : ''}`,
  ];
}
