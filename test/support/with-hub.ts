import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ResolveOptions } from '../../src/hub/remote/resolve';
import { MockHub } from './mock-hub';
import { inTemporaryFolder } from './temporary';

/** A mock hub, and how to ask it from an empty cache with nothing of this machine's environment. */
export interface HubTrial {
  readonly hub: MockHub;
  readonly cacheDir: string;
  readonly folder: string;
  readonly options: ResolveOptions & { readonly env: NodeJS.ProcessEnv };
}

/** Impatient, so that faults take little time; a busy machine is still no stall. */
export const HASTY = { stallMs: 1000, backoffMs: 2, attempts: 4, longestWaitMs: 500 } as const;

/** Runs `fn` with a mock hub and an empty cache. */
export function withHub<T>(fn: (trial: HubTrial) => Promise<T>): Promise<T> {
  return inTemporaryFolder(async (folder) => {
    const hub = await MockHub.start();
    const cacheDir = join(folder, 'cache', 'hub');
    mkdirSync(join(folder, 'home'));
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'cache'), HOME: folder };
    try {
      return await fn({ hub, cacheDir, folder, options: { env, patience: HASTY } });
    } finally {
      await hub.close();
    }
  });
}

/** Runs `fn` in an environment that leads to the mock hub, as a program finds it. */
export async function inEnvironment<T>(env: NodeJS.ProcessEnv, fn: () => Promise<T>): Promise<T> {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  try {
    Object.assign(process.env, env);
    return await fn();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

/** The files of a folder, as a repository's. @param under a folder of the repository to put them in */
export function contentsOf(folder: string, under = ''): Record<string, Buffer> {
  const names = readdirSync(folder, { recursive: true }).map(String);
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [under + name, readFileSync(join(folder, name))]));
}

/** Bytes that do not repeat. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** The files of a small pipeline in several sets of weights, as a repository has them. */
export function pipelineContents(): Record<string, Buffer | string> {
  const index = {
    _class_name: 'StableDiffusionPipeline',
    safety_checker: ['stable_diffusion', 'StableDiffusionSafetyChecker'],
    scheduler: ['diffusers', 'PNDMScheduler'],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
  };
  const weights = (path: string, seed: number) => ({
    [`${path}.safetensors`]: noise(2000, seed),
    [`${path}.fp16.safetensors`]: noise(1000, seed + 1),
    [`${path}.bin`]: noise(2000, seed + 2),
    [`${path}.fp16.bin`]: noise(1000, seed + 3),
  });
  return {
    'README.md': '# a model',
    '.gitattributes': '*.safetensors filter=lfs',
    'v1-5-pruned.ckpt': noise(5000, 99),
    'model_index.json': JSON.stringify(index),
    'scheduler/scheduler_config.json': '{}',
    'tokenizer/vocab.json': '{}',
    'tokenizer/merges.txt': '#',
    'text_encoder/config.json': '{"a": 1}',
    ...weights('text_encoder/model', 10),
    'unet/config.json': '{"b": 2}',
    ...weights('unet/diffusion_pytorch_model', 20),
    'unet/diffusion_pytorch_model.non_ema.safetensors': noise(2000, 30),
    'vae/config.json': '{"c": 3}',
    ...weights('vae/diffusion_pytorch_model', 40),
    'safety_checker/config.json': '{}',
    ...weights('safety_checker/model', 50),
  };
}
