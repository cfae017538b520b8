import type { ArgumentOptions } from 'argparse';
import { decimal } from './args';
import { type LoraArg, loraArg } from './lora-arg';

/** What goes into a pipeline in place of its own parts, or beside them. */
export interface ModelParts {
  readonly unet?: string;
  readonly vae?: string;
  readonly refiner?: string;
  /** Share of the way down the noise after which the refiner goes on. */
  readonly refiner_start: number;
  /** For a single file: what has its configs and tokenizers. */
  readonly config?: string;
  readonly lora: readonly LoraArg[];
}

/** Adds the flags of {@link ModelParts}. */
export function addModelParts(add: (flag: string, options: ArgumentOptions) => void): void {
  const other = 'folder, or owner/name of the hub';
  const part = 'folder, .safetensors file, or name of either on the hub';
  add('--unet', { metavar: 'MODEL', help: `${part}, to take the denoiser from` });
  add('--vae', { metavar: 'MODEL', help: `${part}, to take the autoencoder from` });
  add('--refiner', {
    metavar: 'MODEL',
    help: "pipeline of SDXL's refiner, which draws the last steps",
  });
  add('--refiner_start', {
    type: decimal({ min: 0.01, max: 0.99 }),
    default: 0.8,
    metavar: 'SHARE',
    help: 'share of the way down the noise after which it takes over; default: 0.8',
  });
  add('--config', {
    metavar: 'MODEL',
    help: `where the model is a file: ${other}, with its configs and tokenizers; default: the published model's`,
  });
  add('--lora', {
    type: loraArg,
    action: 'append',
    default: [],
    metavar: 'PATH[:SCALE]',
    help: "adapter of diffusers or of kohya's scripts, here or on the hub, to add to the weights; may be given again",
  });
}
