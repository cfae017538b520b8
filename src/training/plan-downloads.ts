/** What a run would fetch from the hub. */
import { planTrainingData } from '../data/training-data';
import { HubError } from '../hub';
import { type DownloadPlan, planDownload } from '../hub/remote/plan-download';
import { isRepoName } from '../hub/remote/repo-name';
import { DESCRIPTION, inPartOrRoot, type ResolveOptions } from '../hub/remote/resolve';
import { isSelectorName, SCORERS } from '../scoring/scorers';
import { dataOptions, modelHubOptions } from './data-options';
import { placeOf } from './option-paths';
import type { TrainOptions } from './options';

/** What cannot be told, and why. */
export interface Unknown {
  readonly unknown: string;
}

/** One name of the hub, and what it brings. */
export interface PlannedDownload {
  readonly name: string;
  /** `parts`: of each file those row groups and columns are fetched that are read. */
  readonly fetch: 'whole' | 'parts';
  readonly plan: DownloadPlan | Unknown;
}

/** How the hub is reached, and how long it is waited for. */
export type HubReach = Pick<ResolveOptions, 'env' | 'patience'>;

/** A plan is made at once or not at all. */
const IMPATIENT = { attempts: 2 } as const;

/**
 * Asks the hub, or where it cannot be asked the cache, about every name of the options that is not on this disk.
 * @throws HubError where the hub does not have what is named
 */
export async function planDownloads(
  options: TrainOptions,
  reach: HubReach = {},
): Promise<readonly PlannedDownload[]> {
  const { pretrainedModelNameOrPath: pipeline, unetInit, datasetName } = options;
  const vae = options.pretrainedVaeModelNameOrPath;
  const models = { ...modelHubOptions(options), patience: IMPATIENT, ...reach };
  const hub = { cacheDir: options.cacheDir, patience: IMPATIENT, ...reach };
  const without = [...(unetInit === '' ? [] : ['unet']), ...(vae === undefined ? [] : ['vae'])];
  const plans: PlannedDownload[] = [];
  const add = async (
    flag: string,
    name: string | undefined,
    plan: (name: string) => Promise<DownloadPlan | undefined>,
  ) => {
    if (name === undefined || name === '' || placeOf(flag, name).kind === 'local') return;
    const fetch = flag === 'dataset_name' ? 'parts' : 'whole';
    const found = await plan(name).catch(unknownBecause);
    if (found) plans.push({ name, fetch, plan: found });
  };
  await add('pretrained_model_name_or_path', pipeline, (name) =>
    planDownload(name, { ...models, without }),
  );
  await add('unet_init', unetInit, (name) => planPart(name, 'unet', models));
  await add('pretrained_vae_model_name_or_path', vae, (name) => planPart(name, 'vae', models));
  await add('config', options.config, (name) => planDownload(name, { ...hub, files: DESCRIPTION }));
  for (const [name, files] of scorerFiles(options.choiceModel))
    await add('choice_model', name, () => planDownload(name, { ...hub, files }));
  await add('dataset_name', datasetName, () => planTrainingData({ ...dataOptions(options), hub }));
  return plans;
}

/** Repositories that a scorer reads, and the large files of each; of a CLIP that is named itself, what any model needs. */
function scorerFiles(choiceModel: string): ReadonlyMap<string, readonly string[] | undefined> {
  if (choiceModel === '' || choiceModel === 'embedded') return new Map();
  if (!isSelectorName(choiceModel)) return new Map([[choiceModel, undefined]]);
  const found = new Map<string, string[]>();
  for (const { from, name } of SCORERS[choiceModel].files)
    if (isRepoName(from)) found.set(from, [...(found.get(from) ?? []), name]);
  return found;
}

/** As `resolvePart` looks for it. */
const planPart = (name: string, part: string, options: ResolveOptions) =>
  inPartOrRoot(part, options, (where) => planDownload(name, where));

/** Where nobody could be asked, the reason; another error is the user's to know now. */
export function unknownBecause(error: unknown): Unknown {
  if (!(error instanceof HubError) || !['unreachable', 'offline'].includes(error.reason))
    throw error;
  return { unknown: error.message.replace(/\.$/, '') };
}
