/** Names of the cases, with what one run of each does. bench_torch.py has the same. */
export const benchCases = {
  'train-16': 'world UNet, DPO step, 16 pictures (8 pairs): reference, policy, gradient, AdamW',
  'train-64': 'world UNet, DPO step, 64 pictures (32 pairs)',
  'sample-16': 'world UNet, 16 pictures, 4 guided denoising steps',
  'conv-64': 'conv net of 4 layers of 64 channels at 16×16, batch 64, step with AdamW',
} as const;

export type BenchCase = keyof typeof benchCases;
