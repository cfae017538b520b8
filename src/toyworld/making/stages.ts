/** The stages of the world's making, in order. Each leaves its result in the workshop and is skipped when it is there. */

import { existsSync } from 'node:fs';
import { noiseSchedule } from '../../diffusion';
import { noGrad } from '../../engine';
import { loadPipeline, type Pipeline, savePipeline } from '../../hub';
import { writeFolderAtomically } from '../../hub/atomic';
import { loadModel, saveModel } from '../../hub/model-folder';
import { VAE } from '../../hub/model-kinds';
import { type Vae, type VaeConfig, type VaeParams, vaeConfig } from '../../models';
import { TorchGenerator } from '../../random';
import { drawCorpus } from '../corpus';
import {
  MODEL_INDEX,
  SCHEDULER_JSON,
  textEncoderJson,
  UNET_JSON,
  VAE_JSON,
} from '../model-configs';
import { worldTokenizer } from '../tokenizer';
import { corpusLatents, scalingFactorOf, trainBase } from './base';
import { newClipText, newUNet, newVae } from './new-model';
import { type Making, resultOf } from './recipe';
import type { TrainingStep } from './train';
import { trainVae } from './vae';

/** How far a stage is. */
export interface MakingRecord {
  readonly stage: string;
  readonly unit: 'step' | 'chunk' | 'file';
  readonly done: number;
  readonly total: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** The sloppy pictures of a recipe, always the same. */
export const corpusOf = ({ recipe: { corpus } }: Making) =>
  drawCorpus(corpus.count, new TorchGenerator(corpus.seed));

/** One training step as a record. */
export function trainingRecord(
  stage: string,
  { step, steps, figures }: TrainingStep,
): MakingRecord {
  return { stage, unit: 'step', done: step, total: steps, figures };
}

/** Trains the autoencoder and measures its scaling factor; leaves `vae/`. */
export async function* vaeStage(making: Making): AsyncGenerator<MakingRecord> {
  const path = resultOf(making, 'vae');
  if (existsSync(path)) return;
  const pictures = corpusOf(making);
  const vae = newVae(VAE_JSON, new TorchGenerator(making.recipe.vae.seed));
  const training = { ...making.recipe.vae, checkpoint: resultOf(making, 'vae.unfinished') };
  for await (const step of trainVae(vae, pictures, training)) yield trainingRecord('vae', step);
  const latents = corpusLatents(vae, pictures);
  const config = vaeConfig({ ...VAE_JSON, scaling_factor: scalingFactorOf(latents) });
  latents.dispose();
  await writeFolderAtomically(path, (folder) => saveModel({ ...vae, config }, folder, VAE));
  vae.parameters.dispose();
}

/** Trains text encoder and UNet; leaves `base/`, a whole pipeline in float16. */
export async function* baseStage(making: Making): AsyncGenerator<MakingRecord> {
  const path = resultOf(making, 'base');
  if (existsSync(path)) return;
  const vae: Vae = await loadModel<VaeConfig, VaeParams>(resultOf(making, 'vae'), VAE);
  const pictures = corpusOf(making);
  const unscaled = corpusLatents(vae, pictures);
  const latents = noGrad(() => unscaled.mul(vae.config.scalingFactor));
  unscaled.dispose();
  const tokenizer = worldTokenizer();
  const generator = new TorchGenerator(making.recipe.base.seed);
  const unet = newUNet(UNET_JSON, generator);
  const textEncoder = newClipText(textEncoderJson(tokenizer.definition.vocab.size), generator);
  const schedule = noiseSchedule(SCHEDULER_JSON);
  const parts = { unet, textEncoder, tokenizer, schedule, corpus: pictures, latents };
  const training = { ...making.recipe.base, checkpoint: resultOf(making, 'base.unfinished') };
  for await (const step of trainBase(parts, training)) yield trainingRecord('base', step);
  latents.dispose();
  const scheduler = SCHEDULER_JSON;
  const pipeline = { unet, vae, textEncoder, tokenizer, scheduler, modelIndex: MODEL_INDEX };
  await savePipeline(pipeline, path, { dtype: 'F16' });
  for (const { parameters } of [unet, vae, textEncoder]) parameters.dispose();
}

/** The finished base as everybody else will load it. The caller owns its weights. */
export const loadBase = (making: Making): Promise<Pipeline> =>
  loadPipeline(resultOf(making, 'base'));
