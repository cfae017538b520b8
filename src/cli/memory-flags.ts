import type { ArgumentOptions } from 'argparse';
import type { VaeMemoryOptions } from '../diffusion';
import type { AttentionSlice, KernelMode } from '../engine';
import { integer } from './args';

/** What a drawing does to need less memory. */
export interface MemoryFlags {
  readonly vae_slicing: boolean;
  /** Side of a tile in pixels; `model`: what the autoencoder was made for. */
  readonly vae_tiling?: number | 'model';
  readonly attention_slicing?: AttentionSlice;
}

/** Adds the flags of {@link MemoryFlags}; without them nothing is cut, as in diffusers. */
export function addMemoryFlags(add: (flag: string, options: ArgumentOptions) => void): void {
  add('--vae_slicing', { action: 'store_true', help: 'decodes one picture at a time' });
  add('--vae_tiling', {
    type: tileSide,
    nargs: '?',
    const: 'model',
    metavar: 'PIXELS',
    help: "decodes larger pictures in tiles of this side that overlap by a quarter; without a number: the autoencoder's own size, SDXL's 1024",
  });
  add('--attention_slicing', {
    type: attentionSlice,
    nargs: '?',
    const: 'auto',
    metavar: 'HEADS',
    help: 'heads of an attention that are computed at once: a number, auto (half of them) or max (one); only DPO_KERNELS=plain needs less memory with it',
  });
}

function tileSide(value: string): number | 'model' {
  return value === 'model' ? value : integer({ min: 64, multipleOf: 32 })(value);
}

function attentionSlice(value: string): AttentionSlice {
  return value === 'auto' || value === 'max' ? value : integer({ min: 1 })(value);
}

/** The same as options of a drawing. Tells `say` of what has no effect. */
export function memoryOptions(
  { vae_slicing: isSliced, vae_tiling: side, attention_slicing: slice }: MemoryFlags,
  kernels: KernelMode,
  say: (line: string) => void,
): VaeMemoryOptions & { readonly attentionSlice: AttentionSlice | undefined } {
  if (slice !== undefined && kernels === 'fused')
    say(
      '--attention_slicing: the fused kernels store no scores of an attention, so there is nothing to slice; it acts with DPO_KERNELS=plain.',
    );
  return {
    vaeSlicing: isSliced ? 'pictures' : 'none',
    vaeTiling: side === undefined ? undefined : side === 'model' ? {} : { tileSampleMinSize: side },
    attentionSlice: slice,
  };
}
