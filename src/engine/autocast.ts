/**
 * What may be asked for beside plain float32, under accelerate's names. `bf16`: matrix work and the activations between
 * it in bfloat16; weights, their gradients, statistics of norms, sums of softmax and losses in float32.
 */
export type MixedPrecision = 'no' | 'bf16';

let current: MixedPrecision = 'no';

/** The precision in force. */
export const mixedPrecision = (): MixedPrecision => current;

/**
 * Runs `fn` as `torch.autocast('cpu', torch.bfloat16)` would: `linear`, `conv2d`, `matmul` and `attention` take their
 * inputs in bfloat16 and give bfloat16 (torch's list: aten/src/ATen/autocast_mode.h, lower_precision_fp of the CPU), and
 * every other operation computes in the type of what it is given. A float32 beside a bfloat16 makes float32; sums,
 * powers, `exp`, `log` and softmax of bfloat16 are float32, as torch has them on CUDA. Weights stay as they are: a
 * product rounds them while it packs them.
 *
 * A backward pass computes each gradient in the type of its forward operation, and a recomputed block computes
 * again in the precision it first ran in, wherever the pass is started from. `'no'` inside `'bf16'` switches it off.
 */
export function autocast<T>(precision: MixedPrecision, fn: () => T): T {
  const outer = current;
  current = precision;
  try {
    return fn();
  } finally {
    current = outer;
  }
}
