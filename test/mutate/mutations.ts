import { evaluationMutations } from './evaluation-mutations';
import { familyMutations } from './family-mutations';
import { labelMutations } from './label-mutations';
import { memoryMutations } from './memory-mutations';
import { runMutations } from './run-mutations';
import { scoringMutations } from './scoring-mutations';
import { showMutations } from './show-mutations';
import { trainingMutations } from './training-mutations';

/** One formula broken in one place, and the tests that must notice. */
export interface Mutation {
  readonly what: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
}

const unet = ['test/models/unet.test.ts'];
const vae = ['test/models/vae.test.ts'];
const schedule = ['test/diffusion/schedule.test.ts', 'test/diffusion/timesteps.test.ts'];
const sampler = ['test/diffusion/sampler.test.ts'];

export const mutations: readonly Mutation[] = [
  ...trainingMutations,
  ...runMutations,
  ...familyMutations,
  ...scoringMutations,
  ...showMutations,
  ...memoryMutations,
  ...evaluationMutations,
  ...labelMutations,
  {
    what: 'group norm: the gradients of scale and offset exchanged',
    file: 'src/engine/ops/norm.ts',
    from: 'gradientsInto([scale, offset], (...into) => {\n      grads',
    to: 'gradientsInto([offset, scale], (...into) => {\n      grads',
    tests: unet,
  },
  {
    what: 'gradients of weights without a flat gradient are lost',
    file: 'src/engine/ops/matmul.ts',
    from: 'w?.requiresGrad && !w.sink?.view ? cast(into[i] as Tensor, w.dtype) : undefined',
    to: 'w?.requiresGrad && w.sink?.view ? cast(into[i] as Tensor, w.dtype) : undefined',
    tests: ['test/engine/ops.test.ts'],
  },
  {
    what: 'native calls: an attribute in the slot of another',
    file: 'src/engine/native-calls.ts',
    from: 'frame[slot] = ',
    to: 'frame[(slot + 1) % slots.size] = ',
    tests: ['test/kernels/tensorflow/fused-ops.test.ts'],
  },
  {
    what: 'noising: x₀ and ε exchanged in the noisy latents',
    file: 'src/diffusion/schedule.ts',
    from: 'latents.mul(coefficients.signal).add(noise.mul(coefficients.noise))',
    to: 'latents.mul(coefficients.noise).add(noise.mul(coefficients.signal))',
    tests: schedule,
  },
  {
    what: 'ε of the norm before the transformer',
    file: 'src/nn/transformer-2d.ts',
    from: 'epsilon: 1e-6',
    to: 'epsilon: 1e-5',
    tests: unet,
  },
  {
    what: 'ε of the transformer’s layer norms',
    file: 'src/nn/transformer-block.ts',
    from: 'epsilon: 1e-5',
    to: 'epsilon: 1e-6',
    tests: unet,
  },
  {
    what: 'ε of the autoencoder’s norms',
    file: 'src/models/vae.ts',
    from: 'epsilon: 1e-6',
    to: 'epsilon: 1e-5',
    tests: vae,
  },
  {
    what: 'padding: the UNet’s downsampling as the autoencoder’s',
    file: 'src/models/unet.ts',
    from: 'border: [1, 1]',
    to: 'border: [0, 1]',
    tests: unet,
  },
  {
    what: 'padding: the autoencoder’s downsampling as the UNet’s',
    file: 'src/models/vae.ts',
    from: 'border: [0, 1]',
    to: 'border: [1, 1]',
    tests: vae,
  },
  {
    what: 'skip joined on the wrong side',
    file: 'src/models/unet.ts',
    from: 'concat([x, skip], 3)',
    to: 'concat([skip, x], 3)',
    tests: unet,
  },
  {
    what: 'attention: scores not divided by √D',
    file: 'src/engine/ops/attention.ts',
    from: 'mul(1 / Math.sqrt(D))',
    to: 'mul(1 / D)',
    tests: ['test/engine/ops.test.ts'],
  },
  {
    what: 'bf16: a recomputed block forgets its precision',
    file: 'src/engine/tape.ts',
    from: 'autocast(precision, () => fn(...inputs))',
    to: 'fn(...inputs)',
    tests: ['test/engine/autocast.test.ts'],
  },
  {
    what: 'bf16: sums in bfloat16',
    file: 'src/engine/ops/reduce.ts',
    from: 'const x = widened(terms);',
    to: 'const x = terms;',
    tests: ['test/engine/autocast.test.ts'],
  },
  {
    what: 'schedule: ᾱ one step late',
    file: 'src/diffusion/schedule.ts',
    from: 'return round(product);',
    to: 'return round(product / (1 - beta));',
    tests: schedule,
  },
  {
    what: 'schedule: timesteps without their offset',
    file: 'src/diffusion/timesteps.ts',
    from: 'Math.floor(T / count) + offset',
    to: 'Math.floor(T / count)',
    tests: schedule,
  },
  {
    what: 'DDIM: previous timestep one stride short',
    file: 'src/diffusion/ddim.ts',
    from: 'timestep - stride',
    to: 'timestep - stride + 1',
    tests: sampler,
  },
  {
    what: 'guidance: conditional and unconditional exchanged',
    file: 'src/diffusion/guidance.ts',
    from: 'uncond.add(text.sub(uncond).mul(guidanceScale))',
    to: 'text.add(uncond.sub(text).mul(guidanceScale))',
    tests: ['test/diffusion/sample.test.ts'],
  },
  {
    what: 'data: label 1 means the second picture',
    file: 'src/data/pairs.ts',
    from: 'return label === 1 ?',
    to: 'return label === 0 ?',
    tests: ['test/data/pairs.test.ts', 'test/data/batches.test.ts'],
  },
];
