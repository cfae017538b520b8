import type { ArgumentOptions } from 'argparse';
import { type LoraArg, loraArg } from './lora-arg';

/** What goes into a pipeline in place of its own parts, or beside them. */
export interface ModelParts {
  readonly unet?: string;
  readonly vae?: string;
  /** For a single file: what has its configs and tokenizers. */
  readonly config?: string;
  readonly lora: readonly LoraArg[];
}

/** Adds the flags of {@link ModelParts}. */
export function addModelParts(add: (flag: string, options: ArgumentOptions) => void): void {
  const other = 'folder, or owner/name of the hub';
  add('--unet', { metavar: 'MODEL', help: `${other}, to take the denoiser from` });
  add('--vae', { metavar: 'MODEL', help: `${other}, to take the autoencoder from` });
  add('--config', {
    metavar: 'MODEL',
    help: `where the model is a file: ${other}, with its configs and tokenizers; default: the published model's`,
  });
  add('--lora', {
    type: loraArg,
    action: 'append',
    default: [],
    metavar: 'PATH[:SCALE]',
    help: "adapter of diffusers or of kohya's scripts to add to the weights; may be given again",
  });
}
