/** What a run writes down while it trains: metrics, curves, pictures, checkpoints, and at the end the model. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '../data/image';
import { type SavePipelineOptions, saveLora, savePipeline } from '../hub';
import { writeTextAtomically } from '../hub/atomic';
import {
  isJsonObject,
  type JsonObject,
  readJson,
  readJsonIfThere,
  writeJson,
} from '../hub/json-file';
import { saveCheckpoint } from './checkpoint';
import { removeOldCheckpoints } from './checkpoint-folders';
import { withoutSecrets } from './configuration';
import { type Metrics, type MetricsFile, metricsOf, openMetrics } from './metrics';
import type { NotFiniteError } from './not-finite';
import { HUB_COMMITS } from './options';
import type { StepRecord } from './record';
import { openReporter, type Reporter } from './reporters';
import { withResult } from './run-models';
import type { Note, RunSetup } from './run-setup';
import { type Boundary, checkpointParts } from './run-state';
import { strip, type ValidationPicture, validator, writeStrip } from './validation';

/** The records of one run in its output folder. */
export class RunBook {
  private readonly draw: ReturnType<typeof validator> | undefined;
  private lastSaved: number;
  private savedAt = performance.now();

  private constructor(
    private readonly run: RunSetup,
    private readonly metrics: MetricsFile,
    private readonly reporter: Reporter,
  ) {
    const { validationPrompts: prompts, seed, resolution } = run.options;
    const size = { height: resolution, width: resolution };
    const { mixedPrecision } = run.effective;
    const options = { prompts, seed, ...size, ...validationOf(run), mixedPrecision };
    this.draw = prompts.length > 0 ? validator(run.models.base, options) : undefined;
    this.lastSaved = run.start.step;
  }

  /** Opens the folder. Metrics of an earlier attempt that never came to a checkpoint are kept under another name. */
  static async open(run: RunSetup, note: Note): Promise<RunBook> {
    const { options, start } = run;
    const { outputDir, loggingDir, trackerProjectName, reportTo } = options;
    mkdirSync(outputDir, { recursive: true });
    if (start.step === 0) setAside(join(outputDir, 'metrics.jsonl'), note);
    const config = withoutSecrets({ ...options });
    await writeConfig(join(outputDir, 'config.json'), config, run, note);
    const reporter = await openReporter(reportTo === 'all' ? 'tensorboard' : reportTo, {
      loggingDir: join(outputDir, loggingDir, trackerProjectName),
      project: trackerProjectName,
      config,
      ...(start.step > 0 ? { resumeAt: start.step } : {}),
    });
    const metrics = await openMetrics(join(outputDir, 'metrics.jsonl'), { resumeAt: start.step });
    return new RunBook(run, metrics, reporter);
  }

  log(record: StepRecord): void {
    const metrics = this.figuresOf(record);
    this.metrics.log(metrics);
    this.reporter.log(metrics);
  }

  /** What is written down of a step, as the ledger has it. */
  private figuresOf({ nextLearningRate, ...record }: StepRecord): Metrics {
    const { loggedLr, mseLogging } = this.run.parity;
    const { modelLossW, modelLossL, refLossW, refLossL } = record;
    const logged = loggedLr === 'of this step' ? record.learningRate : nextLearningRate;
    return {
      ...metricsOf(record),
      lr: logged,
      lr_used: record.learningRate,
      ...(mseLogging === 'both' ? meanOf('model_mse', modelLossW, modelLossL) : {}),
      ...(mseLogging === 'both' ? meanOf('ref_mse', refLossW, refLossL) : {}),
    };
  }

  /** Draws the validation prompts where the options say so. */
  async validate({ step, maxTrainSteps }: StepRecord): Promise<readonly ValidationPicture[]> {
    const { models, options } = this.run;
    const isDue = step % options.validationSteps === 0 || step === maxTrainSteps;
    if (!this.draw || !isDue) return [];
    const pictures = this.draw(models.policy);
    for (const [i, picture] of pictures.entries()) {
      const folder = join(options.outputDir, 'validation', `step-${step}`);
      mkdirSync(folder, { recursive: true });
      await writeStrip(join(folder, `${i}.png`), picture, step);
      this.reporter.image(`validation/${i}`, step, await encodePng(strip(picture)));
    }
    return pictures;
  }

  /** Saves a checkpoint if `--checkpointing_steps` or `--save_every_minutes` asks for one here. */
  async saveIfDue(boundary: Boundary, maxTrainSteps: number): Promise<void> {
    const { checkpointingSteps, saveEveryMinutes = Infinity } = this.run.options;
    const minutes = (performance.now() - this.savedAt) / 60_000;
    const { step } = boundary;
    if (step % checkpointingSteps === 0 || step === maxTrainSteps || minutes >= saveEveryMinutes)
      await this.save(boundary);
  }

  /** Saves a checkpoint, unless this step has one. Returns its folder. */
  async save(boundary: Boundary): Promise<string> {
    const { options } = this.run;
    const { checkpointsTotalLimit: totalLimit, outputDir } = options;
    if (boundary.step === this.lastSaved) return join(outputDir, `checkpoint-${boundary.step}`);
    this.metrics.sync();
    const parts = checkpointParts(this.run, boundary);
    const path = await saveCheckpoint(
      outputDir,
      boundary.step,
      parts,
      totalLimit === undefined ? {} : { totalLimit },
    );
    this.lastSaved = boundary.step;
    this.savedAt = performance.now();
    return path;
  }

  /** Saves the pipeline with what was trained, and an adapter on its own beside it; notes last that it did. */
  async finish(step: number): Promise<void> {
    const { models, options, ema } = this.run;
    const { checkpointsTotalLimit: totalLimit, outputDir } = options;
    // A process killed between saving its last checkpoint and removing the oldest leaves one too many.
    if (totalLimit !== undefined) await removeOldCheckpoints(outputDir, totalLimit, step);
    if (ema) models.trained.copyFrom(ema.average);
    if (models.lora) await saveLora(models.lora, options.outputDir);
    await withResult(models, (result) =>
      savePipeline(result, options.outputDir, { existing: 'merge', ...this.encoderType() }),
    );
    await writeJson(join(options.outputDir, FINISHED), { step });
  }

  private encoderType(): Pick<SavePipelineOptions, 'encoders'> {
    const { parity, options } = this.run;
    const { mixedPrecision } = options;
    if (parity.savedEncoders === 'as they were read' || mixedPrecision === 'no') return {};
    return { encoders: mixedPrecision === 'fp16' ? 'F16' : 'BF16' };
  }

  /** Keeps the record of a step that went wrong; returns where. */
  async keepBroken({ record }: NotFiniteError): Promise<string> {
    const path = join(this.run.options.outputDir, 'broken-step.json');
    const readable = (_: string, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    await writeTextAtomically(path, `${JSON.stringify(record, readable, 2)}\n`);
    return path;
  }

  async close(): Promise<void> {
    this.metrics.close();
    await this.reporter.close();
  }
}

const FINISHED = 'finished.json';

/** The step whose pipeline an output folder holds, if there is one. */
export async function finishedStep(outputDir: string): Promise<number | undefined> {
  const path = join(outputDir, FINISHED);
  return existsSync(path) ? Number((await readJson(path)).step) : undefined;
}

/** As the original's notebook draws, but for the number of steps; turbo as its authors do. */
function validationOf({ options, effective }: RunSetup) {
  if (effective.timesteps === 'turbo') return { numInferenceSteps: 4, guidanceScale: 0 };
  return { numInferenceSteps: 20, guidanceScale: options.sdxl ? 5 : 7.5 };
}

/** Of preferred and rejected pictures together, where there are both. */
const meanOf = (name: string, w?: number, l?: number) =>
  w === undefined || l === undefined ? {} : { [name]: 0.5 * (w + l) };

/** The options, and the commits that their names led to; a run that goes on says where the hub has others by now. */
async function writeConfig(
  path: string,
  config: JsonObject,
  { hubCommits, start }: RunSetup,
  note: Note,
): Promise<void> {
  const before = start.step > 0 ? (await readJsonIfThere(path))?.[HUB_COMMITS] : undefined;
  for (const [name, commit] of Object.entries(isJsonObject(before) ? before : {}))
    if (name in hubCommits && hubCommits[name] !== commit)
      note(
        `${name} was at commit ${commit} when the run began, and is at ${hubCommits[name]} now.`,
      );
  const isLocal = Object.keys(hubCommits).length === 0;
  const whole = { ...config, ...(isLocal ? {} : { [HUB_COMMITS]: hubCommits }) };
  await writeTextAtomically(path, `${JSON.stringify(whole, undefined, 2)}\n`);
}

/** `metrics.jsonl` → the first of `metrics-1.jsonl`, `metrics-2.jsonl`, … that is free. */
function setAside(path: string, note: Note): void {
  if (!existsSync(path)) return;
  let n = 1;
  const kept = () => path.replace(/\.jsonl$/, `-${n}.jsonl`);
  while (existsSync(kept())) n++;
  renameSync(path, kept());
  note(`${path} of an earlier attempt is now ${kept()}.`);
}
