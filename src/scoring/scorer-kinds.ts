/** The kinds of scorers: how each is loaded, and what it computes. */
import { stat } from 'node:fs/promises';
import type { RgbImage } from '../data/image';
import { CheckpointError, loadClipModel } from '../hub';
import { openWeightFiles } from '../hub/weight-files';
import { aestheticScores, loadAestheticHead } from './aesthetic';
import { clipTowers } from './clip-score';
import { openClipTowers } from './open-clip-towers';
import { type From, findClip, type Place, processorFolder } from './scorer-places';
import { cosines, probabilities, type TwoTowers } from './two-towers';

/** Which weights, how to reach the hub where they are there, and how many pictures at once. */
export interface ScorerOptions extends From {
  /** A folder, a file, or `owner/name` of the hub. @default what the original names */
  readonly weights?: string | undefined;
  /** The head of `aes`, a `.pth` or safetensors file. @default where the original has it, if it is there */
  readonly mlp?: string | undefined;
  /** Where tokenizer and image processor are. @default with the weights, or else as the original names */
  readonly processor?: string | undefined;
  /** Pictures in one pass. @default 16 */
  readonly batchSize?: number | undefined;
  /** Whose resize `hps` and `clip` have: before 0.17 it was not antialiased. @default 'current' */
  readonly torchvision?: 'current' | 'before 0.17' | undefined;
}

/** What scores, before it has a name. */
export interface Scorer {
  /** The files of its weights. */
  readonly files: readonly string[];
  readonly revision: string;
  scoreMany(images: readonly RgbImage[], prompts: readonly string[]): number[];
  /** Shares of the choices between pictures of one prompt; a scorer that marks pictures alone has none. */
  readonly shares?: (scores: readonly number[]) => number[];
  dispose(): void;
}

export type OpenScorer = (options: ScorerOptions) => Promise<Scorer>;

/** What a scorer has where the options do not say otherwise. */
export interface Defaults {
  readonly weights: string;
  /** The file of the repository, where it is not named as in one of CLIP's layouts. */
  readonly file?: string;
}

/** PickScore's way (Kirstain et al. 2023, arXiv 2305.01569): a CLIP fed as transformers feeds it. */
export function pickScore(defaults: Defaults): OpenScorer {
  return async (options) => {
    const { weights = defaults.weights } = options;
    return asPickScore(await findClip(weights, 'transformers', options), options);
  };
}

/** HPS's way (Wu et al. 2023, arXiv 2306.09341), and that of the original's CLIP score. */
export function humanPreference(defaults: Defaults): OpenScorer {
  return async (options) => {
    const { weights } = options;
    const { file } = weights === undefined ? defaults : { file: undefined };
    const place = await findClip(weights ?? defaults.weights, 'open_clip', { ...options, file });
    return asHumanPreference(place, options);
  };
}

/** Whatever CLIP lies there, in the way of its layout. */
export async function clipOfPath(options: ScorerOptions & { readonly weights: string }) {
  const place = await findClip(options.weights, 'transformers', options);
  return place.layout === 'transformers'
    ? asPickScore(place, options)
    : asHumanPreference(place, options);
}

/** The improved aesthetic predictor: a linear head on a CLIP-L, which sees no prompt. */
export function aesthetic(defaults: Defaults): OpenScorer {
  return async (options) => {
    const { weights = defaults.weights, batchSize = 16 } = options;
    const mlp = options.mlp ?? (await headOfOriginal());
    const place = await findClip(weights, 'transformers', options);
    const clip = await loadClip(place, options);
    const free = () => clip.model.parameters.dispose();
    try {
      const head = await loadAestheticHead(mlp, clip.model.config.projectionDim);
      return {
        files: [...(await weightFiles(place, options)), mlp],
        revision: place.revision,
        scoreMany: (images) => aestheticScores(clip, head, images, { batchSize }),
        dispose: () => {
          head.parameters.dispose();
          free();
        },
      };
    } catch (error) {
      free();
      throw error;
    }
  };
}

/** Where aes_utils.py looks for it, in the working folder. */
const HEAD = 'aesthetics_model/sac+logos+ava1-l14-linearMSE.pth';

async function headOfOriginal(): Promise<string> {
  if (await stat(HEAD).catch(() => undefined)) return HEAD;
  throw new RangeError(
    `The scorer "aes" needs its head, of christophschuhmann/improved-aesthetic-predictor: give mlp (--mlp FILE.pth), or put it at ${HEAD}.`,
  );
}

async function asPickScore(place: Place, options: ScorerOptions): Promise<Scorer> {
  const towers = clipTowers(await loadClip(place, options));
  return scorer(towers, await weightFiles(place, options), place, options);
}

async function asHumanPreference(place: Place, options: ScorerOptions): Promise<Scorer> {
  const towers = await openClipTowers(place, options);
  const files = place.layout === 'open_clip' ? [place.file] : await weightFiles(place, options);
  return scorer(towers, files, place, options);
}

function scorer(
  towers: TwoTowers,
  files: readonly string[],
  { revision }: Place,
  { batchSize = 16 }: ScorerOptions,
): Scorer {
  return {
    files,
    revision,
    scoreMany: (images, prompts) => cosines(towers, images, prompts, { batchSize }),
    shares: (scores) => probabilities(towers, scores),
    dispose: () => towers.model.parameters.dispose(),
  };
}

/** @throws CheckpointError where it is not in transformers' layout */
async function loadClip(place: Place, options: ScorerOptions) {
  if (place.layout === 'open_clip')
    throw new CheckpointError(
      place.file,
      "it is of OpenCLIP's layout; this scorer takes the folder of a CLIP in transformers'.",
    );
  const processor = await processorFolder(place, 'tokenizer and pictures', options);
  return loadClipModel(place.folder, { variant: options.variant, processor });
}

/** Paths of the files that a folder's weights are read from. */
async function weightFiles({ folder }: Place, { variant }: ScorerOptions): Promise<string[]> {
  const files = await openWeightFiles(folder, 'model', { variant });
  await files.close();
  return [...files.weights.values()].map(({ file }) => file.path);
}
