import type { UNetConfig, VaeConfig } from '../../models';
import { CheckpointError } from '../checkpoint-error';
import type { TensorSource } from '../tensor-source';
import { behind, type Rule } from './stored-as';
import { bareClipRule, clipRule, openClipRule } from './text-rule';
import { unetRule } from './unet-rule';
import { vaeRule } from './vae-rule';

/** A pipeline's text encoders, by the ends of their folders' names. */
export type TextSuffix = '' | '_2';

/** Where a family keeps one of its text encoders, and who wrote it. */
export interface OriginalText {
  readonly suffix: TextSuffix;
  readonly prefix: string;
  readonly maker: 'openai' | 'openclip';
}

/** The families that have an original layout. */
export type FamilyName = 'sd1' | 'sd2' | 'sdxl' | 'refiner';

/** Text encoders of each family. Source: the `cond_stage_config` and `conditioner_config` of their published YAML files. */
const TEXTS: Readonly<Record<FamilyName, readonly OriginalText[]>> = {
  sd1: [{ suffix: '', prefix: 'cond_stage_model.transformer.', maker: 'openai' }],
  sd2: [{ suffix: '', prefix: 'cond_stage_model.model.', maker: 'openclip' }],
  sdxl: [
    { suffix: '', prefix: 'conditioner.embedders.0.transformer.', maker: 'openai' },
    { suffix: '_2', prefix: 'conditioner.embedders.1.model.', maker: 'openclip' },
  ],
  refiner: [{ suffix: '_2', prefix: 'conditioner.embedders.0.model.', maker: 'openclip' }],
};

export const UNET_PREFIX = 'model.diffusion_model.';
export const VAE_PREFIX = 'first_stage_model.';

export const textsOf = (family: FamilyName): readonly OriginalText[] => TEXTS[family];

export const originalUnet = (config: UNetConfig): Rule => behind(UNET_PREFIX, unetRule(config));
export const originalVae = (config: VaeConfig): Rule => behind(VAE_PREFIX, vaeRule(config));

/** @param source a file to be read, whose names may be those of an old version of transformers */
export function originalText(text: OriginalText, source?: TensorSource): Rule {
  if (text.maker === 'openclip') return behind(text.prefix, openClipRule);
  return behind(text.prefix, source && isBare(text, source) ? bareClipRule : clipRule);
}

/** Whether the names of OpenAI's encoder have no `text_model.`, as before transformers 4.0. */
export const isBare = ({ prefix }: OriginalText, { entries }: TensorSource): boolean =>
  entries.has(`${prefix}embeddings.position_embedding.weight`);

const firstText = ({ maker, prefix }: OriginalText) =>
  maker === 'openclip'
    ? [`${prefix}positional_embedding`]
    : [
        `${prefix}text_model.embeddings.position_embedding.weight`,
        `${prefix}embeddings.position_embedding.weight`,
      ];

/**
 * Which family a file is of, by its names.
 * @throws CheckpointError where it is of none, or has only parts of one
 */
export function detectFamily({ path, entries }: TensorSource): FamilyName {
  const names = [...entries.keys()];
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const found = (['sdxl', 'refiner', 'sd2', 'sd1'] as const).find((family) =>
    TEXTS[family].every((text) => firstText(text).some((name) => entries.has(name))),
  );
  const parts = { UNet: UNET_PREFIX, autoencoder: VAE_PREFIX };
  const absent = Object.entries(parts).flatMap(([part, prefix]) => (has(prefix) ? [] : [part]));
  if (found && absent.length === 0) return found;
  const what = found ? absent.join(' and ') : 'text encoder of a known place';
  throw new CheckpointError(
    path,
    `it has no ${what}, so it is no whole checkpoint of Stable Diffusion 1.x, 2.x, XL or XL's refiner; it begins with ${names.slice(0, 3).join(', ') || 'nothing'}.`,
  );
}

/** What a training program leaves beside the weights; none of it takes part in making a picture. */
const EXTRAS: readonly RegExp[] = [
  /^model_ema\./, // a moving average of the UNet
  /(^|\.)position_ids$/, // 0, 1, 2, …
  /(^|\.)logit_scale$/, // of CLIP's training
  /^cond_stage_model\.model\.text_projection$/, // Stable Diffusion 2.x reads the states before it
  /^first_stage_model\.(loss|model_ema)\./, // the autoencoder's discriminator
  /^(sqrt_|log_)?(one_minus_|recip_|recipm1_)?alphas_cumprod(_prev)?$/,
  /^posterior_(variance|log_variance_clipped|mean_coef[12])$/,
  /^(betas|logvar|lvlb_weights|scale_factor|global_step|denoiser\.sigmas)$/,
];

/**
 * Nothing in a file may go unread that is not known to be of no use.
 * @param spare a block of its text encoder that the pipeline does not have
 * @throws CheckpointError that names what is left
 */
export function checkAllUsed(
  { path, entries }: TensorSource,
  used: ReadonlySet<string>,
  spare: string | undefined,
): void {
  const isKnown = (name: string) =>
    EXTRAS.some((extra) => extra.test(name)) || (spare !== undefined && name.startsWith(spare));
  const left = [...entries.keys()].filter((name) => !used.has(name) && !isKnown(name));
  if (left.length === 0) return;
  const more = left.length > 5 ? ` and ${left.length - 5} more` : '';
  throw new CheckpointError(
    path,
    `nothing in the model reads ${left.slice(0, 5).join(', ')}${more}.`,
  );
}
