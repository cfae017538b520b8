/** What `quick_samples` draws: the original's models by one name, or the embedded world where they are out of reach. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { notebookPrompts, ORIGINAL_NOTEBOOK } from '../data';
import { HubError, type HubOptions, resolve } from '../hub';
import { inPartOrRoot } from '../hub/remote/resolve';
import { EMBEDDED_SCORER, SCORERS } from '../scoring';
import { isSelectorName } from '../scoring/scorers';
import { DRAWING } from './making/pairs';
import { WORLD_FOLDER } from './world';

export type QuickFamily = 'sd15' | 'sdxl' | 'world';

/** What is drawn with; each a folder or file, or a name of the hub. */
export interface QuickNames {
  /** The pipeline. */
  readonly base: string;
  /** The denoiser that DPO trained; none: it is to be trained first. */
  readonly dpoUnet: string | undefined;
  /** As `loadSelector` takes it. */
  readonly scorer: string;
}

export interface QuickSetting extends QuickNames {
  readonly family: QuickFamily;
  readonly prompts: readonly string[];
  readonly numInferenceSteps: number;
  readonly guidanceScale: number;
  /** Of the pipeline's weights. */
  readonly variant: string | undefined;
  /** A longer list, as `loadPrompts` takes it. */
  readonly morePrompts: string;
  /** In a few sentences: what is used, and why if it is not what was asked for. */
  readonly says: string;
}

export interface QuickOptions extends HubOptions {
  /** In place of the published ones. */
  readonly own?: { readonly [K in keyof QuickNames]?: string | undefined };
  /** The original's notebook, or another with such a list: a path or an address. @default its public repository */
  readonly promptsFrom?: string | undefined;
}

type Published = QuickNames &
  Pick<QuickSetting, 'numInferenceSteps' | 'guidanceScale' | 'variant' | 'morePrompts'>;

const PARTI_PROMPTS = 'nateraw/parti-prompts';

/** Upstream: DiffusionDPO, quick_samples.ipynb, its models and guidance; 50 steps is its pipelines' default. */
const PUBLISHED: { readonly [F in 'sd15' | 'sdxl']: Published } = {
  sd15: {
    base: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    dpoUnet: 'mhdang/dpo-sd1.5-text2image-v1',
    scorer: 'pickscore',
    numInferenceSteps: 50,
    guidanceScale: 7.5,
    variant: 'fp16',
    morePrompts: PARTI_PROMPTS,
  },
  sdxl: {
    base: 'stabilityai/stable-diffusion-xl-base-1.0',
    dpoUnet: 'mhdang/dpo-sdxl-text2image-v1',
    scorer: 'pickscore',
    numInferenceSteps: 50,
    guidanceScale: 5,
    variant: 'fp16',
    morePrompts: PARTI_PROMPTS,
  },
};

const WORLD: Published = {
  base: join(WORLD_FOLDER, 'base'),
  dpoUnet: undefined,
  scorer: EMBEDDED_SCORER,
  variant: undefined,
  morePrompts: join(WORLD_FOLDER, 'prompts', 'heldout.json'),
  ...DRAWING,
};

/** As many as the original has. */
const WORLD_PROMPTS = 16;

/** For where the original's list is out of reach, and its models are not. */
const OWN_PROMPTS = [
  'A lighthouse in a storm, oil on canvas',
  'An owl reading a newspaper at a breakfast table',
  'A glass teapot full of stars, studio photograph',
  'Two foxes playing chess in the snow, woodcut',
  'A bridge made of books over a quiet river at dusk',
  'An old tram climbing a hill of sunflowers, watercolour',
  'A knight made of origami paper, close-up',
  'A whale above a wheat field, long exposure',
];

/**
 * Decides what is drawn with. The published models stand for themselves where the hub or its cache has them; without
 * them everything is of the embedded world. What is named in `own` is taken as it is, and never replaced.
 * @throws RangeError where `own` names no pipeline, denoiser or scorer but other parts of one; HubError where the hub refuses
 */
export async function quickSetting(
  family: QuickFamily,
  { own = {}, promptsFrom, ...hub }: QuickOptions = {},
): Promise<QuickSetting> {
  const asked = Object.entries(own).filter(([, name]) => name);
  const published = family === 'world' ? WORLD : PUBLISHED[family];
  const wanted: Published = {
    ...published,
    ...Object.fromEntries(asked),
    variant: own.base ? undefined : published.variant,
  };
  if (family === 'world') return worldSetting(wanted, 'As asked, this is the embedded world');
  const missing = await outOfReach(wanted, hub);
  if (missing === undefined) {
    const { prompts, from } = await promptsOf(promptsFrom === '' ? undefined : promptsFrom, hub);
    return {
      ...wanted,
      family,
      prompts,
      says: `${wanted.base} beside ${wanted.dpoUnet}.\n${from}`,
    };
  }
  if (asked.length > 0) throw missing;
  return worldSetting(WORLD, `${missing.message}\nSo this is the embedded world, not "${family}"`);
}

function worldSetting(names: Published, why: string): QuickSetting {
  const heldout = JSON.parse(readFileSync(WORLD.morePrompts, 'utf8')) as string[];
  const prompts = heldout.slice(0, WORLD_PROMPTS);
  const says = `${why}: its base model, its own scorer, and ${prompts.length} captions that no training caption names.`;
  return { ...names, family: 'world', prompts, says };
}

/** Why one of the models is neither here, nor on the hub, nor in its cache; undefined where all are. */
async function outOfReach(
  { base, dpoUnet = '', scorer }: QuickNames,
  hub: HubOptions,
): Promise<HubError | undefined> {
  const config = { ...hub, files: ['config.json'] };
  const weights = isSelectorName(scorer) ? SCORERS[scorer].files[0]?.from : undefined;
  try {
    if (!(await isHere(base))) await resolve(base, { ...hub, files: ['model_index.json'] });
    if (!(await isHere(dpoUnet)))
      await inPartOrRoot('unet', config, (where) => resolve(dpoUnet, where));
    if (!(await isHere(scorer))) await resolve(weights ?? scorer, config);
    return undefined;
  } catch (error) {
    if (isAway(error)) return error;
    throw error;
  }
}

const isAway = (error: unknown): error is HubError =>
  error instanceof HubError && (error.reason === 'unreachable' || error.reason === 'offline');

const isHere = (name: string) =>
  stat(name).then(
    () => true,
    () => false,
  );

/** The list of a notebook; prompts of our own where that is the original's, and out of reach. */
async function promptsOf(
  where: string | undefined,
  hub: HubOptions,
): Promise<{ readonly prompts: readonly string[]; readonly from: string }> {
  const place = where ?? ORIGINAL_NOTEBOOK;
  try {
    const prompts = await notebookPrompts(place, hub);
    return { prompts, from: `The ${prompts.length} prompts are those of ${place}.` };
  } catch (error) {
    if (where !== undefined || !isAway(error)) throw error;
    return {
      prompts: OWN_PROMPTS,
      from: `${error.message}\nSo the ${OWN_PROMPTS.length} prompts are our own.`,
    };
  }
}
