/** A comparison of models from the first picture to the last number: resumable, and kept in a folder. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { PromptEntry } from '../../data';
import { codeVersion } from './code-version';
import { trainingPictures } from './copies';
import {
  type EvaluatedModels,
  type ModelOptions,
  modelHash,
  openModel,
  shownSource,
} from './models';
import { type DrawingHooks, drawPictures, type PictureRecord, plannedPictures } from './pictures';
import { evaluationPrompts, PROMPT_SETS, type PromptSource } from './prompt-sets';
import { type EvaluationResult, RESULT_SCHEMA } from './result';
import { writeResult } from './result-files';
import { lookAtPictures, type Scored, type ScoringRecord, scorePictures } from './score-pictures';
import { scorerParts } from './scorers';
import {
  beginFolder,
  type EvaluationDrawing,
  type EvaluationNoise,
  type EvaluationSettings,
  SEED_STRIDE,
  sha256,
} from './settings';
import { comparisons, drifts, type Findings, summaries } from './summarise';

export interface EvaluationRequest {
  /** By name; the first is what the others are compared with. */
  readonly models: EvaluatedModels;
  readonly prompts: PromptSource;
  /** Of the list the first so many. @default all */
  readonly maxPrompts?: number | undefined;
  /** As `openScorer` takes them. */
  readonly scorers: readonly string[];
  /** Every prompt is drawn from each. @default [0] */
  readonly seeds?: readonly number[];
  /**
   * `of each prompt`: prompt i is drawn from seed + 100000 · i; `shared`: from the seeds themselves, as quick_samples does.
   * @default 'of each prompt'
   */
  readonly noise?: EvaluationNoise | undefined;
  /** How to draw. @default 50 steps with each model's own scheduler and the guidance of its kind */
  readonly drawing?: EvaluationDrawing;
  /** Pictures, scores and results; a second call goes on from there. */
  readonly outputDir: string;
  /** Pairs whose pictures the drawn ones are looked up among. */
  readonly trainingData?: string | undefined;
  /** Scores no further apart than this are a tie. @default 0 */
  readonly tieEpsilon?: number | undefined;
  /** @default 10000 */
  readonly resamples?: number | undefined;
}

/** How to reach the hub, a signal that ends the work, and how much is done at once. */
export type EvaluationHooks = ModelOptions & DrawingHooks;

export type EvaluationRecord = PictureRecord | ScoringRecord;

/**
 * Draws every prompt with every model from every seed, scores the pictures, and compares. Yields a record for each picture
 * drawn and each batch scored; whoever leaves the loop, or is killed, finds pictures and scores again the next time.
 * @returns what is in `result.json`
 * @throws RangeError for a request without meaning, or a folder that was begun with another
 */
export async function* evaluate(
  request: EvaluationRequest,
  hooks: EvaluationHooks = {},
): AsyncGenerator<EvaluationRecord, EvaluationResult, void> {
  const { models, outputDir, trainingData, tieEpsilon = 0, resamples = 10_000 } = request;
  const { drawnTogether: _, ...hub } = hooks;
  const prompts = await promptsOf(request, hub);
  const settings = await settingsOf(request, prompts, hub);
  await beginFolder(outputDir, settings);
  yield* drawPictures(outputDir, models, settings, prompts, hooks);
  const pictures = plannedPictures(settings, prompts);
  const scored: Scored[] = [];
  for (const spec of request.scorers)
    scored.push(yield* scorePictures(outputDir, pictures, spec, hub));
  const looked = yield* lookAtPictures(outputDir, pictures, settings.seeds.length, hub);
  const training =
    trainingData === undefined ? {} : { training: await trainingPictures(trainingData, hub) };
  const findings: Findings = {
    models: Object.keys(models),
    prompts,
    pictures,
    scored,
    looked,
    ...training,
  };
  const statistics = { tieEpsilon, resamples, seed: 0 };
  const result: EvaluationResult = {
    schema: RESULT_SCHEMA,
    code: codeVersion(),
    settings,
    statistics,
    scorers: scored.map(({ identity }) => identity),
    models: summaries(findings),
    comparisons: comparisons(findings, statistics),
    drift: drifts(findings, statistics),
  };
  await writeResult(outputDir, result, findings);
  return result;
}

/** Evaluates to the end. Options and errors of {@link evaluate}. */
export async function compareModels(
  request: EvaluationRequest,
  hooks: EvaluationHooks = {},
): Promise<EvaluationResult> {
  const run = evaluate(request, hooks);
  for (;;) {
    const { done, value } = await run.next();
    if (done) return value;
  }
}

async function promptsOf(
  { prompts, maxPrompts }: EvaluationRequest,
  hub: ModelOptions,
): Promise<readonly PromptEntry[]> {
  const { variant: _, revision: __, ...reach } = hub; // those are of models
  return (await evaluationPrompts(prompts, reach)).slice(0, maxPrompts);
}

async function settingsOf(
  request: EvaluationRequest,
  prompts: readonly PromptEntry[],
  hub: ModelOptions,
): Promise<EvaluationSettings> {
  const { models, scorers, seeds = [0], drawing = {}, noise = 'of each prompt' } = request;
  const names = Object.keys(models);
  const wrong = names.find((name) => !/^\w[\w.-]{0,39}$/.test(name));
  if (wrong !== undefined)
    throw new RangeError(
      `"${wrong}" is no name for a model: give letters, digits, dots, dashes; 40 at most.`,
    );
  if (names.length < 2)
    throw new RangeError(
      `A comparison is of two models or more; given: ${names.join(', ') || 'none'}.`,
    );
  if (
    scorers.length === 0 ||
    new Set(scorers.map((spec) => scorerParts(spec).name)).size < scorers.length
  )
    throw new RangeError(
      `Give one scorer or more, each once; given: ${scorers.join(', ') || 'none'}.`,
    );
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    throw new RangeError(`Give one seed or more, each once; given: ${seeds.join(', ') || 'none'}.`);
  const large = seeds.find((seed) => seed >= SEED_STRIDE);
  if (large !== undefined && noise !== 'shared')
    throw new RangeError(
      `Seed ${large} is too large: with noise of each prompt's own seeds are below ${SEED_STRIDE}.`,
    );
  const list: EvaluationSettings['models'][number][] = [];
  for (const [name, source] of Object.entries(models)) {
    const { pipeline, dispose } = await openModel(source, hub);
    const scheduler = pipeline.scheduler._class_name;
    list.push({ name, source: shownSource(source), hash: modelHash(pipeline), scheduler });
    dispose();
  }
  const hash = sha256(JSON.stringify(prompts.map(({ prompt }) => prompt)));
  const about = { name: promptsName(request.prompts), count: prompts.length, hash };
  return { models: list, prompts: about, seeds, noise, drawing };
}

/** Of a path the last part. */
function promptsName(source: PromptSource): string {
  if (typeof source !== 'string') return 'a list';
  const isSet = (PROMPT_SETS as readonly string[]).includes(source);
  return !isSet && existsSync(source) ? basename(resolve(source)) : source;
}
