/** The models that are compared, and what tells one from another. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { TextToImage } from '../../diffusion';
import { disposePipeline, loadPipeline, type ResolveOptions } from '../../hub';
import { weightsDigest } from '../../models';
import { sha256 } from './settings';

/**
 * `PIPELINE`: a folder, a file or `owner/name` of the hub; `PIPELINE+UNET`: the same with the denoiser of another place; or a
 * pipeline that is loaded already, which stays the caller's.
 */
export type ModelSource = string | TextToImage;

/** What is compared, by name; the first is what the others are compared with. */
export type EvaluatedModels = { readonly [name: string]: ModelSource };

/** How to reach the hub, where a model is named so. */
export type ModelOptions = Omit<ResolveOptions, 'files' | 'without' | 'subfolder' | 'repoType'>;

/** A model for as long as it is needed. */
export interface OpenedModel {
  readonly pipeline: TextToImage;
  /** Frees it, unless it is the caller's. */
  dispose(): void;
}

/** @throws Error in one sentence, as `loadPipeline` does */
export async function openModel(
  source: ModelSource,
  options: ModelOptions = {},
): Promise<OpenedModel> {
  if (typeof source !== 'string') return { pipeline: source, dispose: () => undefined };
  const { name, unet } = partsOf(source);
  const pipeline = await loadPipeline(name, { ...options, ...(unet ? { unet } : {}) });
  return { pipeline, dispose: () => disposePipeline(pipeline) };
}

/** A name with a plus that is there is taken as it stands. */
function partsOf(source: string): { readonly name: string; readonly unet?: string } {
  const plus = source.lastIndexOf('+');
  if (plus < 0 || existsSync(source)) return { name: source };
  return { name: source.slice(0, plus), unet: source.slice(plus + 1) };
}

/** A source as a report names it: of a path the last part. */
export function shownSource(source: ModelSource): string {
  if (typeof source !== 'string') return 'in memory';
  const { name, unet } = partsOf(source);
  const shown = (path: string) => (existsSync(path) ? basename(resolve(path)) : path);
  return [name, ...(unet ? [unet] : [])].map(shown).join('+');
}

/** SHA-256 over every weight, an adapter's too, and what a scheduler's file says: equal for models that draw the same pictures. */
export function modelHash({
  unet,
  vae,
  textEncoder,
  textEncoder2,
  scheduler,
}: TextToImage): string {
  const weights = {
    unet: unet.p,
    vae: vae.p,
    textEncoder: textEncoder.p,
    textEncoder2: textEncoder2?.p,
  };
  return sha256(`${JSON.stringify(scheduler)} ${weightsDigest(weights)}`);
}
