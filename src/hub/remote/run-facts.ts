/** What an output folder tells about the run that filled it: only what stands in its files. */
import { join } from 'node:path';
import { isJsonObject, type JsonObject, readJsonIfThere, readTextIfThere } from '../json-file';
import { isInterval } from './upload-plan';

/** A share with its interval, and what it is of. */
export interface NamedRate {
  readonly name: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

export interface RunFacts {
  /** `config.json` of the run; nothing where the folder is only a model. */
  readonly config?: JsonObject;
  /** The last line of `metrics.jsonl`. */
  readonly lastMetrics?: JsonObject;
  /** `_class_name` of `model_index.json`. */
  readonly pipelineClass?: string;
  readonly winRates: readonly NamedRate[];
}

/** Files in which an evaluation leaves its rates. */
const EVALUATIONS = ['evaluation.json', 'win-rates.json', 'proof.json'];

/** @throws CheckpointError where one of the files is damaged */
export async function readRunFacts(folder: string): Promise<RunFacts> {
  const config = await readJsonIfThere(join(folder, 'config.json'));
  const metrics = (await readTextIfThere(join(folder, 'metrics.jsonl')))
    ?.trimEnd()
    .split('\n')
    .at(-1);
  const index = await readJsonIfThere(join(folder, 'model_index.json'));
  const winRates: NamedRate[] = [];
  for (const name of EVALUATIONS) {
    const json = await readJsonIfThere(join(folder, name));
    if (json) winRates.push(...ratesIn(json, []));
  }
  const last: unknown = metrics ? JSON.parse(metrics) : undefined;
  const className = index?._class_name;
  return {
    // A model's own config.json has no data set; a run's always has what it trains from.
    ...(config?.pretrainedModelNameOrPath !== undefined ? { config } : {}),
    ...(isJsonObject(last) ? { lastMetrics: last } : {}),
    ...(typeof className === 'string' ? { pipelineClass: className } : {}),
    winRates,
  };
}

function ratesIn(value: JsonObject, names: readonly string[]): NamedRate[] {
  if (isInterval(value)) {
    const { mean, low, high, n } = value;
    return [{ name: names.join(', '), mean, low, high, n }];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    isJsonObject(inner) ? ratesIn(inner, [...names, name]) : [],
  );
}
