/** The cases of `npm run bench`: what one run of each does, as both sides are told it. */
import type { ConfigJson } from '../../models';
import { UNET_JSON } from '../../toyworld/model-configs';

/** Numbers that computations are done in; `bf16` as autocast has it, on float32 weights. */
export type Precision = 'f32' | 'bf16';

/** A denoiser with the sizes of what it is given. */
export interface Denoiser {
  readonly config: ConfigJson;
  /** Latent positions in each direction. */
  readonly side: number;
  /** Positions and width of the text. */
  readonly text: readonly [length: number, width: number];
}

/** One piece of work; bench_torch.py has a function for each kind. */
export type Work =
  /** Reference, policy, gradient, AdamW of `rows` pictures, half as many pairs. */
  | {
      readonly kind: 'dpo-step';
      readonly unet: Denoiser;
      readonly rows: number;
      readonly recompute: 'none' | 'blocks';
      /** How the matrices of our reference are kept in f32; in bf16 they are bfloat16. @default 'float32' */
      readonly reference?: 'float32' | 'bfloat16';
      /** Trains an adapter of this rank on the attentions of a frozen base, which in bf16 is kept in bfloat16. */
      readonly lora?: { readonly rank: number };
    }
  /** Forward and backward of one block of Stable Diffusion 1.5, one picture. */
  | { readonly kind: 'resnet'; readonly channels: number; readonly side: number }
  | { readonly kind: 'transformer'; readonly channels: number; readonly side: number }
  /** Guided denoising steps of all pictures in one batch, then the autoencoder where there is one. */
  | {
      readonly kind: 'sampling';
      readonly unet: Denoiser;
      readonly pictures: number;
      readonly steps: number;
      readonly vae?: ConfigJson;
    }
  | { readonly kind: 'conv-net'; readonly rows: number }
  /** One picture; `side` in pixels. */
  | {
      readonly kind: 'vae';
      readonly way: 'encode' | 'decode';
      readonly config: ConfigJson;
      readonly side: number;
      /** Side in pixels of the tiles that the picture is cut into. @default it is computed whole */
      readonly tile?: number;
    }
  /** A file of safetensors to weights in float32. */
  | { readonly kind: 'load'; readonly unet: ConfigJson; readonly dtype: 'F32' | 'F16' }
  | { readonly kind: 'first-tensor' };

export interface BenchCase {
  readonly what: string;
  readonly work: Work;
  readonly precision: Precision;
  /** `alone`: asked for by name only, and each run in a process of its own: it fills the memory. @default 'shared' */
  readonly memory?: 'shared' | 'alone';
}

const SD15_UNET: Denoiser = {
  config: {
    _class_name: 'UNet2DConditionModel',
    _diffusers_version: '0.6.0',
    attention_head_dim: 8,
    block_out_channels: [320, 640, 1280, 1280],
    cross_attention_dim: 768,
    sample_size: 64,
  },
  side: 64,
  text: [77, 768],
};

const SD15_VAE: ConfigJson = {
  _class_name: 'AutoencoderKL',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array(4).fill('DownEncoderBlock2D'),
  up_block_types: Array(4).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
  sample_size: 512,
};

const SDXL_VAE: ConfigJson = { ...SD15_VAE, sample_size: 1024, scaling_factor: 0.13025 };

const WORLD: Denoiser = {
  config: UNET_JSON,
  side: 8,
  text: [20, UNET_JSON.cross_attention_dim],
};

/** Channels and side of Stable Diffusion 1.5's feature maps for pictures of 512 × 512. */
const LEVELS = [
  [320, 64],
  [640, 32],
  [1280, 16],
  [1280, 8],
] as const;

const both = (name: string, what: string, work: Work, memory?: 'alone'): [string, BenchCase][] => [
  [name, { what, work, precision: 'f32', ...(memory ? { memory } : {}) }],
  [
    `${name}-bf16`,
    { what: `${what}, bf16`, work, precision: 'bf16', ...(memory ? { memory } : {}) },
  ],
];

const worldStep = (rows: number) =>
  ({ kind: 'dpo-step', unet: WORLD, rows, recompute: 'none' }) as const;

const blocks = LEVELS.flatMap(([channels, side]) => [
  ...both(`resnet-${side}`, `SD1.5 ResNet block, ${channels} channels at ${side}²`, {
    kind: 'resnet',
    channels,
    side,
  }),
  ...(side === 8
    ? []
    : both(`transformer-${side}`, `SD1.5 transformer, ${channels} channels at ${side}²`, {
        kind: 'transformer',
        channels,
        side,
      })),
]);

const vae = (way: 'encode' | 'decode'): Work => ({ kind: 'vae', way, config: SD15_VAE, side: 512 });

const PAIR = {
  kind: 'dpo-step',
  unet: SD15_UNET,
  rows: 2,
  recompute: 'blocks',
  reference: 'bfloat16', // 1.7 GB less: in float32 the step needs more than 18 GB
} as const;
const PICTURE: Work = { kind: 'sampling', unet: SD15_UNET, pictures: 1, steps: 20, vae: SD15_VAE };

const sdxlDecode = (tile?: number): Work => {
  const work = { kind: 'vae', way: 'decode', config: SDXL_VAE, side: 1024 } as const;
  return tile === undefined ? work : { ...work, tile };
};

/** What `--real-size` runs, once each: loading, one pass, pictures of SDXL's size, one step of training. */
export const realSizeCases: readonly string[] = [
  ...['sd15-load', 'sd15-load-f16', 'sd15-forward'],
  ...['sdxl-decode', 'sdxl-decode-tiles', 'sd15-pair-bf16'],
];

/** All cases by name. */
export const benchCases: Readonly<Record<string, BenchCase>> = Object.fromEntries([
  [
    'world-16',
    { what: 'world UNet, DPO step, 16 pictures', work: worldStep(16), precision: 'f32' },
  ],
  ...both('world-64', 'world UNet, DPO step, 64 pictures', worldStep(64)),
  ...both('world-64-lora', 'world UNet, LoRA r=8, DPO step, 64 pictures', {
    ...worldStep(64),
    lora: { rank: 8 },
  }),
  ...blocks,
  ...both('vae-encode', 'VAE of SD1.5, encode 512²', vae('encode')),
  ...both('vae-decode', 'VAE of SD1.5, decode 512²', vae('decode')),
  [
    'sampling',
    {
      what: 'world UNet, 16 pictures, 4 guided steps',
      work: { kind: 'sampling', unet: WORLD, pictures: 16, steps: 4 },
      precision: 'f32',
    },
  ],
  [
    'conv-net',
    {
      what: 'conv net, 4 layers of 64 channels at 16², batch 64, step',
      work: { kind: 'conv-net', rows: 64 },
      precision: 'f32',
    },
  ],
  [
    'first-tensor',
    {
      what: 'start of a notebook kernel to its first tensor (PyTorch: of Python, torch, diffusers)',
      work: { kind: 'first-tensor' },
      precision: 'f32',
    },
  ],
  ...both(
    'sd15-pair',
    'SD1.5, DPO step of one pair, blocks recomputed, reference in bfloat16',
    PAIR,
    'alone',
  ),
  [
    'sd15-lora',
    {
      what: 'SD1.5 LoRA r=8, one pair, bf16',
      work: { ...PAIR, reference: 'float32', lora: { rank: 8 } },
      precision: 'bf16',
      memory: 'alone',
    },
  ],
  [
    'sd15-forward',
    {
      what: 'SD1.5, one guided pass of the UNet for a picture of 512²',
      work: { kind: 'sampling', unet: SD15_UNET, pictures: 1, steps: 1 },
      precision: 'f32',
      memory: 'alone',
    },
  ],
  ...both('sd15-picture', 'SD1.5, picture 512², 20 guided steps', PICTURE, 'alone'),
  ...(['F32', 'F16'] as const).map((dtype): [string, BenchCase] => [
    dtype === 'F32' ? 'sd15-load' : 'sd15-load-f16',
    {
      what: `load the UNet of SD1.5 from safetensors in ${dtype}, to float32`,
      work: { kind: 'load', unet: SD15_UNET.config, dtype },
      precision: 'f32',
      memory: 'alone',
    },
  ]),
  ...both('sdxl-decode', 'VAE of SDXL, decode 1024²', sdxlDecode(), 'alone'),
  ...both(
    'sdxl-decode-tiles',
    'VAE of SDXL, decode 1024² in tiles of 512²',
    sdxlDecode(512),
    'alone',
  ),
] satisfies [string, BenchCase][]);

/** Cases that run when none is named. */
export const usualCases: readonly string[] = Object.entries(benchCases)
  .filter(([, { memory }]) => memory !== 'alone')
  .map(([name]) => name);
