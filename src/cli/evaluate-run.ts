import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTextAtomically } from '../hub/atomic';
import {
  compareResults,
  type EvaluationRecord,
  type EvaluationResult,
  evaluate,
  readResult,
  reproduce,
  reproductionText,
} from '../scoring';
import { RESULT_FILE } from '../scoring/evaluation/result';
import { provenance, pText, rateText } from '../scoring/evaluation/result-files';
import { computedPrecision } from './args';
import type { EvaluateArgs } from './evaluate-args';
import { evaluationPage } from './evaluate-page';
import { ProgressLine } from './progress-line';
import { TransferLine } from './transfer-line';

/** Does what the command line asks for. @returns the lines to print */
export async function runEvaluation(args: EvaluateArgs, signal: AbortSignal): Promise<string[]> {
  if (args.compare) return compared(args.compare);
  if (args.reproduce) {
    const { budget, out: outputDir } = args;
    const onNote = (sentence: string) => console.error(sentence);
    return reproductionText(await reproduce(args.reproduce, { budget, outputDir, signal, onNote }));
  }
  const run = evaluate(requestOf(args), {
    signal,
    drawnTogether: args.batch,
    ...{ cacheDir: args.cache_dir, variant: args.variant },
    ...new TransferLine().options(),
  });
  const progress = new StageLines();
  for (;;) {
    const { done, value } = await run.next();
    if (!done) progress.update(value);
    else {
      const path = join(args.out, 'index.html');
      await writeTextAtomically(path, await evaluationPage(value, args.out));
      return [...resultLines(value), '', `The report is ${path}`];
    }
  }
}

function requestOf(args: EvaluateArgs) {
  const { prompts, scorers, seeds, scheduler, height, width, eta } = args;
  const mixedPrecision = computedPrecision(args.mixed_precision, console.error);
  const given = { scheduler, height, width, eta, guidanceScale: args.guidance_scale };
  const drawing = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    models: Object.fromEntries(args.models),
    ...{ prompts, scorers, seeds, maxPrompts: args.max_prompts },
    drawing: {
      numInferenceSteps: args.steps,
      ...(mixedPrecision === 'no' ? {} : { mixedPrecision }),
      ...Object.fromEntries(drawing),
    },
    noise: args.noise === 'shared' ? ('shared' as const) : ('of each prompt' as const),
    ...{ outputDir: args.out, trainingData: args.training_data },
    ...{ tieEpsilon: args.tie_epsilon, resamples: args.resamples },
  };
}

/** One line of progress a stage: what was there before does not count into its rate. */
class StageLines {
  private stage = '';
  private kept = 0;
  private line = new ProgressLine('', 'picture');

  update(record: EvaluationRecord): void {
    const { done, total } = record;
    const stage = [record.stage, 'model' in record ? record.model : record.scorer].join(' ').trim();
    if (stage === this.stage) {
      this.line.update(done - this.kept, total - this.kept);
      return;
    }
    this.stage = stage;
    this.kept = done;
    const label = done > 0 ? `${stage} (${done} were there)` : stage;
    this.line = new ProgressLine(label, 'picture');
  }
}

/** The comparisons, warnings, and what they were computed with. */
export function resultLines(result: EvaluationResult): string[] {
  const rows = result.comparisons.map(
    ({ challenger, base, scorer, winRate, signTest, warnings }) => ({
      title: `${challenger} against ${base}, ${scorer}`,
      text: `${rateText(winRate)}, n = ${winRate.n} prompts, sign test p ${pText(signTest.p)}`,
      warnings,
    }),
  );
  const width = Math.max(...rows.map(({ title }) => title.length));
  return [
    ...rows.flatMap(({ title, text, warnings }) => [
      `${title.padEnd(width)}  ${text}`,
      ...warnings.map((warning) => `${' '.repeat(width)}  ! ${warning}`),
    ]),
    '',
    ...provenance(result),
  ];
}

async function compared(places: readonly [string, string]): Promise<string[]> {
  const [before, after] = [await resultIn(places[0]), await resultIn(places[1])];
  const { changes, notes } = compareResults(before, after);
  if (changes.length === 0) return ['No model was compared by the same scorer in both.'];
  const width = Math.max(
    ...changes.map(({ challenger, scorer }) => challenger.length + scorer.length + 2),
  );
  return [
    ...changes.map(({ challenger, scorer, before: earlier, after: later, change }) => {
      const told = change ? `, change ${rateText(change)}` : ', not of the same prompts and seeds';
      return `${`${challenger}, ${scorer}`.padEnd(width)}  ${rateText(earlier)}, then ${rateText(later)}${told}`;
    }),
    ...notes.map((note) => `differs: ${note}`),
  ];
}

async function resultIn(place: string): Promise<EvaluationResult> {
  const isFolder = (await stat(place)).isDirectory();
  return readResult(isFolder ? join(place, RESULT_FILE) : place);
}
