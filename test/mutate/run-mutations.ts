/** Mutations of what makes a run whole: adapters, averages, checkpoints, going on, records, batches. */
import type { Mutation } from './mutations';

const lora = { file: 'src/models/lora.ts', tests: ['test/models/lora.test.ts'] };
const ema = { file: 'src/training/ema.ts', tests: ['test/training/ema.test.ts'] };
const setUp = { file: 'src/training/run-setup.ts', tests: ['test/training/train.test.ts'] };
const state = { file: 'src/training/run-state.ts', tests: setUp.tests };
const loop = { file: 'src/training/loop.ts', tests: ['test/training/loop-rules.test.ts'] };
const draws = { file: 'src/data/batch-draws.ts', tests: ['test/data/batch-draws.test.ts'] };
const damaged = ['test/data/damaged.test.ts'];

/** The lines of `saveCheckpoint` from its first part to its manifest. */
const PARTS_THEN_MANIFEST = `    for (const part of checkpointFiles(parts)) {
      current = part.path;
      digests = { ...digests, ...(await part.write(join(folder, part.path))) };
    }
    current = MANIFEST;
    await syncTree(folder);
    const files = await describeFiles(folder, digests);
    const configSha256 = configHash(parts.config);
    const manifest = formatManifest({ step, configSha256, files });
    await writeTextAtomically(join(folder, MANIFEST), manifest);
`;

export const runMutations: readonly Mutation[] = [
  {
    ...lora,
    what: 'LoRA: the change not divided by the rank',
    from: 'scale: alpha / rank }',
    to: 'scale: alpha }',
  },
  { ...lora, what: 'LoRA: A and B exchanged', from: "['A', 'B'].map", to: "['B', 'A'].map" },
  {
    ...lora,
    what: 'LoRA: a base that is being trained is taken',
    from: 'if (parameters.isTrainable)',
    to: 'if (parameters === undefined)',
  },
  {
    what: 'LoRA: the base trained in place of the adapter',
    file: 'src/training/run-models.ts',
    from: 'trained: lora.adapter,',
    to: 'trained: lora.model.parameters,',
    tests: setUp.tests,
  },
  { ...ema, what: 'EMA: decay one step late', from: ': (1 + t) / (10 + t);', to: ': t / (9 + t);' },
  {
    ...ema,
    what: 'EMA: steps before the average counted one too few',
    from: 'optimizationStep - updateAfterStep - 1',
    to: 'optimizationStep - updateAfterStep',
  },
  {
    ...ema,
    what: 'EMA: shares of average and weights exchanged',
    from: 'lerp(this.weights, 1 - decay)',
    to: 'lerp(this.weights, decay)',
  },
  {
    what: 'resume: boundary taken before the record’s step',
    file: 'src/training/train.ts',
    from: 'boundary = boundaryOf(record.step, run.random, run.batches);',
    to: 'boundary = { ...boundary, step: record.step };',
    tests: setUp.tests,
  },
  {
    ...setUp,
    what: 'resume: place in the data not restored',
    from: 'options.hardSkipResume ? undefined : restored?.data',
    to: 'undefined',
  },
  {
    ...setUp,
    what: 'resume: PyTorch’s generator not restored',
    from: 'random.torch.restore(restored.torch);',
    to: '',
  },
  {
    ...setUp,
    what: 'resume: Python’s generator not restored',
    from: 'random.python.restore(restored.python);',
    to: '',
  },
  {
    ...state,
    what: 'resume: the optimizer’s count of steps not restored',
    from: 'optimizer.resumeAt(counts.optimizerSteps ?? 0);',
    to: '',
  },
  {
    ...state,
    what: 'resume: the average’s count of steps not restored',
    from: 'ema.resumeAt(steps);',
    to: '',
  },
  {
    what: 'resume: the batch that was drawn ahead drawn again',
    file: 'src/data/batches.ts',
    from: 'this.ahead = { index, rows, draws, images };',
    to: 'this.ahead = await this.fetch(index);',
    tests: ['test/data/resume.test.ts'],
  },
  {
    what: 'checkpoint: manifest written before the weights',
    file: 'src/training/checkpoint.ts',
    from: PARTS_THEN_MANIFEST,
    to: `${PARTS_THEN_MANIFEST.replace('(parts)) {', '(parts).slice(parts.weights.length)) {')}
    for (const part of parts.weights) await part.write(join(folder, part.path));
`,
    tests: ['test/training/checkpoint.test.ts'],
  },
  {
    what: 'checkpoint: hash not compared',
    file: 'src/training/checkpoint-manifest.ts',
    from: 'if (found === expected) continue;',
    to: 'if (found.length === expected.length) continue;',
    tests: ['test/training/resume.test.ts'],
  },
  {
    what: 'metrics: later lines not cut where a run goes on',
    file: 'src/training/metrics.ts',
    from: '.filter(([, { step }]) => step <= resumeAt)',
    to: '',
    tests: ['test/training/metrics.test.ts'],
  },
  {
    ...loop,
    what: 'loop: logged loss divided by the micro-batches, not the accumulation',
    from: 'values.reduce((a, b) => a + b, 0) / accumulationSteps',
    to: 'values.reduce((a, b) => a + b, 0) / values.length',
  },
  {
    ...loop,
    what: 'loop: a loss that is no number passed over',
    from: 'if (Number.isFinite(record.loss)) return record;',
    to: 'if (step > 0) return record;',
  },
  {
    ...loop,
    what: 'loop: a gradient that is no number passed over',
    from: 'if (!Number.isFinite(gradNorm))',
    to: 'if (step < 0)',
  },
  {
    ...draws,
    what: 'paired augmentation: mirrored each on its own',
    from: 'i < B ? own : likeFirst(',
    to: 'i < B || own.left >= 0 ? own : likeFirst(',
  },
  {
    ...draws,
    what: 'paired augmentation: the same pixel in a picture of another size',
    from: '(at * to) / from',
    to: 'at',
  },
  {
    what: 'damaged row: the next but one in its place',
    file: 'src/data/damaged.ts',
    from: 'next = (next + 1) % this.rows',
    to: 'next = (next + 2) % this.rows',
    tests: damaged,
  },
  {
    what: 'damaged row: forgotten where a run goes on',
    file: 'src/data/batches.ts',
    from: 'new DamagedRows(rows, resumed?.damaged)',
    to: 'new DamagedRows(rows)',
    tests: damaged,
  },
];
