/** The networks of a run: what is trained, what it is compared with, what makes latents and text states. */
import type { TextToImage } from '../diffusion';
import type { Parameters } from '../engine';
import {
  disposePipeline,
  loadLora,
  loadPipeline,
  type Pipeline,
  type ResolveOptions,
} from '../hub';
import { loadModel } from '../hub/model-folder';
import { UNET as UNET_KIND } from '../hub/model-kinds';
import {
  type ClipTextConfig,
  type LoraUNet,
  mergeLora,
  type UNet,
  type UNetConfig,
  type UNetParams,
  withLora,
} from '../models';
import type { TorchGenerator } from '../random';
import { modelHubOptions } from './data-options';
import { effectiveOptions } from './effective';
import { checkFamily } from './option-paths';
import type { TrainOptions } from './options';
import { constructedTextEncoders } from './text-encoder-draws';

/** Whoever loaded it owns the weights. */
export interface RunModels {
  /** The frozen parts, and as `unet` what the policy was before training. */
  readonly base: Pipeline;
  readonly policy: UNet;
  /** What the optimizer changes: all of the policy, or its adapter. */
  readonly trained: Parameters;
  readonly lora?: LoraUNet;
  dispose(): void;
}

export interface LoadRunOptions {
  /** Of a new adapter's first values. */
  readonly generator: TorchGenerator;
  /** Called for each text encoder that the original has just loaded, before anything else may draw. */
  readonly onTextEncoder: (config: ClipTextConfig) => void;
  /** A checkpoint's file or folder: full path of `unet`, or of the adapter's file. */
  readonly checkpoint?: { weights(name: string): string };
  /** Who is told of downloads and commits, where a name is one of the hub's. */
  readonly hub?: Pick<ResolveOptions, 'onNote' | 'onProgress' | 'onSource' | 'signal'> | undefined;
}

/** Names of a policy's weights in a checkpoint. */
export const CHECKPOINT_UNET = 'unet';
export const CHECKPOINT_LORA = 'pytorch_lora_weights.safetensors';

/**
 * Loads what the options name. Policy and reference both start from `--unet_init` where it is given.
 * Upstream: train.py:584–621.
 * @throws CheckpointError naming the file and what is wrong with it
 */
export async function loadRunModels(
  options: TrainOptions,
  { generator, checkpoint, onTextEncoder, hub }: LoadRunOptions,
): Promise<RunModels> {
  const { pretrainedModelNameOrPath, unetInit, pretrainedVaeModelNameOrPath, config } = options;
  const base = await loadPipeline(pretrainedModelNameOrPath, {
    unet: unetInit === '' ? undefined : unetInit,
    vae: pretrainedVaeModelNameOrPath,
    config,
    ...modelHubOptions(options),
    ...hub,
  });
  try {
    checkFamily(pretrainedModelNameOrPath, base.conditioning, options);
    for (const textEncoder of constructedTextEncoders(base)) onTextEncoder(textEncoder);
    return options.loraRank === undefined
      ? await wholeModels(base, options, checkpoint?.weights(CHECKPOINT_UNET))
      : await adapterModels(base, options, generator, checkpoint?.weights(CHECKPOINT_LORA));
  } catch (error) {
    disposePipeline(base);
    throw error;
  }
}

/** The policy has weights of its own; under bf16 the reference's matrices are only ever read in bfloat16. */
async function wholeModels(base: Pipeline, options: TrainOptions, saved?: string) {
  const policy =
    saved === undefined ? base.unet : await loadModel<UNetConfig, UNetParams>(saved, UNET_KIND);
  const half = effectiveOptions(options).mixedPrecision === 'bf16';
  const parameters = base.unet.parameters.clone(half ? { matrices: 'bfloat16' } : {});
  const reference: UNet = { config: base.unet.config, parameters, p: parameters.tree() };
  if (saved !== undefined) base.unet.parameters.dispose();
  const frozen = { ...base, unet: reference };
  return {
    base: frozen,
    policy,
    trained: policy.parameters,
    dispose: () => {
      disposePipeline(frozen);
      policy.parameters.dispose();
    },
  };
}

async function adapterModels(
  base: Pipeline,
  { loraRank: rank, loraAlpha: alpha, loraTargetModules: targetModules }: TrainOptions,
  generator: TorchGenerator,
  saved?: string,
): Promise<RunModels> {
  const lora =
    saved === undefined
      ? withLora(base.unet, { rank, alpha, targetModules, generator })
      : await loadLora(saved, base.unet);
  return {
    base,
    policy: lora.model,
    trained: lora.adapter,
    lora,
    dispose: () => {
      disposePipeline(base);
      lora.adapter.dispose();
    },
  };
}

/** Calls `use` with the pipeline that the run has made: the policy's weights, an adapter added to them. */
export async function withResult<T>(
  { base, policy, lora }: RunModels,
  use: (result: Pipeline & TextToImage) => Promise<T>,
): Promise<T> {
  if (!lora) return use({ ...base, unet: policy });
  const merged = mergeLora(lora);
  try {
    return await use({ ...base, unet: merged });
  } finally {
    merged.parameters.dispose();
  }
}
