/** Mutations of the families of models, the samplers, the hub and the world's scorer. */
import type { Mutation } from './mutations';

const conditioning = { file: 'src/models/conditioning.ts' };
const samplers = ['test/diffusion/every-scheduler.test.ts'];
const texts = ['test/models/families.test.ts'];

export const familyMutations: readonly Mutation[] = [
  {
    ...conditioning,
    what: 'SDXL: states of the last layer instead of the one before',
    from: ': layer(output, clipSkip + 1),',
    to: ': layer(output, clipSkip),',
    tests: texts,
  },
  {
    ...conditioning,
    what: 'SDXL: crop told before the size',
    from: '[...originalSize, ...cropsCoordsTopLeft, ...last]',
    to: '[...cropsCoordsTopLeft, ...originalSize, ...last]',
    tests: ['test/diffusion/families.test.ts'],
  },
  {
    what: 'UniPC: the factorial of the orders',
    file: 'src/diffusion/unipc.ts',
    from: 'factorial *= i + 1;',
    to: 'factorial *= i;',
    tests: samplers,
  },
  {
    what: 'ancestral Euler: down to the next level instead of below it',
    file: 'src/diffusion/euler-ancestral.ts',
    from: 'Math.sqrt(sigmaNext ** 2 - sigmaUp ** 2)',
    to: 'Math.sqrt(sigmaNext ** 2)',
    tests: samplers,
  },
  {
    what: 'DPM-Solver: midpoint and Heun exchanged',
    file: 'src/diffusion/dpm-multistep.ts',
    from: "config.dpmSolverType === 'midpoint' ? value / 2 : slope",
    to: "config.dpmSolverType !== 'midpoint' ? value / 2 : slope",
    tests: samplers,
  },
  {
    what: 'TCD: noised from the picture instead of from s',
    file: 'src/diffusion/tcd.ts',
    from: 'mixture(alphaPrev / alphaMiddle)',
    to: 'mixture(alphaPrev)',
    tests: samplers,
  },
  {
    what: 'UNets that diffusers before 0.9 wrote: their own side',
    file: 'src/diffusion/sample-plan.ts',
    from: 'Number(minor) < 9',
    to: 'Number(minor) < 2',
    tests: ['test/hub/former-folders.test.ts'],
  },
  {
    what: 'tokenizer: a token too few told of those that are cut off',
    file: 'src/models/tokenizer.ts',
    from: 'this.textOf(ids.slice(room))',
    to: 'this.textOf(ids.slice(room + 1))',
    tests: ['test/training/long-captions.test.ts'],
  },
  {
    what: "hub: the options' revision before that of a file's address",
    file: 'src/hub/remote/resolve.ts',
    from: 'revision: revision ?? options.revision',
    to: 'revision: options.revision ?? revision',
    tests: ['test/hub/remote/repo-file.test.ts'],
  },
  {
    what: 'hub: a damaged file kept',
    file: 'src/hub/remote/download-file.ts',
    from: 'if (digest === file.digest.hex) return await handle.sync();',
    to: 'if (digest.length > 0) return await handle.sync();',
    tests: ['test/hub/remote/faults.test.ts'],
  },
  {
    what: 'hub: the token sent to every host',
    file: 'src/hub/remote/session.ts',
    from: 'isHub && settings.token',
    to: 'settings.token',
    tests: ['test/hub/remote/tokens.test.ts'],
  },
  {
    what: 'scorer: names of any length told apart by it',
    file: 'src/toyworld/making/naming.ts',
    from: 'embeds.matmul(names.div(length), { transposeB: true })',
    to: 'embeds.matmul(names, { transposeB: true })',
    tests: ['test/toyworld/making/naming.test.ts'],
  },
  {
    what: 'checkpoints: one too many left at the end',
    file: 'src/training/run-book.ts',
    from: 'if (totalLimit !== undefined) await removeOldCheckpoints(outputDir, totalLimit, step);',
    to: '',
    tests: ['test/training/train.test.ts'],
  },
  {
    what: 'run folder: a second process let in',
    file: 'src/training/run-status.ts',
    from: "status?.state !== 'running' || status.host !== hostname()",
    to: "status?.state === 'running' || status?.host !== hostname()",
    tests: ['test/training/train.test.ts'],
  },
  {
    what: 'loading: convolutions in the order of the file',
    file: 'src/hub/weights.ts',
    from: 'reversed: shape.length === 4 };',
    to: 'reversed: shape.length > 4 };',
    tests: ['test/hub/pipeline-families.test.ts'],
  },
  {
    what: 'loading: a stretch of several files read from the first',
    file: 'src/hub/weights.ts',
    from: 'wholes[i + 1]?.file === whole.file &&',
    to: 'i + 1 < wholes.length &&',
    tests: ['test/hub/weights.test.ts'],
  },
  {
    what: 'loading: the first third for all three of a joined weight',
    file: 'src/hub/original/stored-views.ts',
    from: 'region.position + (stored.third ?? 0) * size }',
    to: 'region.position }',
    tests: ['test/hub/single-file.test.ts'],
  },
  {
    what: 'loading: a pickled tensor from where its storage begins',
    file: 'src/hub/pickle/read.ts',
    from: 'storage.place.begin + offset * bytesPerElement',
    to: 'storage.place.begin + 0 * bytesPerElement',
    tests: ['test/hub/pickled.test.ts'],
  },
  {
    what: 'a refiner: without the text encoder that the original never uses',
    file: 'src/training/text-encoder-draws.ts',
    from: '...(isRefiner ?',
    to: '...(!isRefiner && textEncoder2 ?',
    tests: ['test/training/noising.test.ts'],
  },
];
