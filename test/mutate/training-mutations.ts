/** Mutations of losses, noising, optimizers, schedules of rates and the training loop. */
import type { Mutation } from './mutations';

const dpo = { file: 'src/preference/dpo.ts', tests: ['test/preference/dpo.test.ts'] };
const reward = { file: 'src/preference/implicit-reward.ts', tests: dpo.tests };
const losses = ['test/preference/losses.test.ts'];
const pair = { file: 'src/preference/pair.ts', tests: ['test/preference/dpo.test.ts'] };
const storage = { file: 'src/engine/storage.ts', tests: ['test/training/adamw.test.ts'] };
const schedules = {
  file: 'src/training/lr-schedule.ts',
  tests: ['test/training/lr-schedule.test.ts'],
};
const noising = ['test/training/noising.test.ts'];
const adafactor = ['test/training/adafactor.test.ts'];
const training = ['test/training/loop.test.ts'];

export const trainingMutations: readonly Mutation[] = [
  {
    ...reward,
    what: 'loss: sign of the logit',
    from: 'mul(-0.5 * betaDpo)',
    to: 'mul(0.5 * betaDpo)',
  },
  {
    ...dpo,
    what: 'loss: log σ(x) instead of −log σ(x)',
    from: 'insideTerm.neg().softplus()',
    to: 'insideTerm.softplus()',
  },
  { ...reward, what: 'loss: no ½', from: '-0.5 * betaDpo', to: '-betaDpo' },
  {
    ...reward,
    what: 'loss: reference added, not subtracted',
    from: 'modelDiff.sub(refDiff)',
    to: 'modelDiff.add(refDiff)',
  },
  {
    ...reward,
    what: 'loss: policy compared with itself',
    from: 'perRowMse(refPred, target)',
    to: 'perRowMse(modelPred, target)',
  },
  {
    ...reward,
    what: 'loss: a tie counts as a miss where it should as half',
    from: 'hits.sub(insideTerm.neg().greater(0)).add(1).mul(0.5).mean()',
    to: 'hits.mean()',
    tests: losses,
  },
  {
    what: 'IPO: twice the target',
    file: 'src/preference/ipo.ts',
    from: 'sub(1 / betaDpo)',
    to: 'sub(2 / betaDpo)',
    tests: losses,
  },
  {
    what: 'hinge: no margin',
    file: 'src/preference/hinge.ts',
    from: 'neg().add(1)',
    to: 'neg()',
    tests: losses,
  },
  {
    what: 'MaPO: winner’s own error left out',
    file: 'src/preference/mapo.ts',
    from: 'modelLossesW.mean().add(ratio.mean().mul(betaMapo))',
    to: 'ratio.mean().mul(betaMapo)',
    tests: losses,
  },
  {
    what: 'MaPO: likelihood without its half',
    file: 'src/preference/mapo.ts',
    from: 'u.mul(0.5).maximum(1e-20)',
    to: 'u.maximum(1e-20)',
    tests: losses,
  },
  {
    what: 'KTO: reference point not held at 0',
    file: 'src/preference/kto.ts',
    from: 'g.mean().maximum(0)',
    to: 'g.mean()',
    tests: losses,
  },
  {
    what: 'KTO: gradient through the reference point',
    file: 'src/preference/kto.ts',
    from: 'noGrad(() => g.mean().maximum(0))',
    to: 'g.mean().maximum(0)',
    tests: losses,
  },
  {
    what: 'DSPO: target moved towards the reference',
    file: 'src/preference/dspo.ts',
    from: 'noise.add(change.mul(',
    to: 'noise.sub(change.mul(',
    tests: losses,
  },
  {
    ...pair,
    what: 'pair: W and L exchanged',
    from: '{ w: x.slice(begin(0), size), l: x.slice(begin(rows / 2), size) }',
    to: '{ l: x.slice(begin(0), size), w: x.slice(begin(rows / 2), size) }',
  },
  {
    ...pair,
    what: 'pair: sum of squares instead of their mean',
    from: 'reshape([rows, -1]).mean(1)',
    to: 'reshape([rows, -1]).sum(1)',
    tests: [...pair.tests, ...training],
  },
  {
    what: 'noising: losers keep noise of their own',
    file: 'src/training/noise-draws.ts',
    from: "rows === 'pairs' ? forBothImages(splitPair(x).w) : x",
    to: 'x',
    tests: training,
  },
  {
    what: 'noising: losers keep times of their own',
    file: 'src/training/noise-draws.ts',
    from: '[...times, ...times]',
    to: '[...times, ...[...times].reverse()]',
    tests: training,
  },
  {
    what: 'noising: further noise of the loser’s own where it should be the pair’s',
    file: 'src/training/noise-draws.ts',
    from: 'noise.add(paired(further))',
    to: 'noise.add(further)',
    tests: noising,
  },
  {
    what: 'noising: offset drawn as the noise is',
    file: 'src/training/noise-draws.ts',
    from: 'noiseOffset ? tensor(generator.randn(N * C)',
    to: 'noiseOffset ? tensor(generator.randnSerial(N * C)',
    tests: noising,
  },
  {
    what: 'noising: turbo’s times one early',
    file: 'src/training/noise-draws.ts',
    from: '250 * (t % steps) + 249',
    to: '250 * (t % steps) + 248',
    tests: noising,
  },
  {
    what: 'draws: biases of the text encoder forgotten',
    file: 'src/training/text-encoder-draws.ts',
    from: 'inputs * outputs + outputs',
    to: 'inputs * outputs',
    tests: noising,
  },
  {
    what: 'accumulation: loss not divided by the micro-batches',
    file: 'src/training/preference-step.ts',
    from: 'terms.loss.div(accumulationSteps)',
    to: 'terms.loss.mul(1)',
    tests: training,
  },
  {
    what: 'learning rate: counted from 1',
    file: 'src/training/loop.ts',
    from: 'const rate = learningRate * schedule(step)',
    to: 'const rate = learningRate * schedule(step + 1)',
    tests: training,
  },
  {
    ...storage,
    what: 'Adam: no bias correction of the first moment',
    from: 'const corrections = [1 - beta1 ** step.step, 1 - beta2 ** step.step];',
    to: 'const corrections = [1, 1 - beta2 ** step.step];',
  },
  {
    ...storage,
    what: 'Adam: bias correction of the second moment one step late',
    from: 'const corrections = [1 - beta1 ** step.step, 1 - beta2 ** step.step];',
    to: 'const corrections = [1 - beta1 ** step.step, 1 - beta2 ** (step.step + 1)];',
  },
  {
    ...storage,
    what: 'Adam, plain: ε inside the root',
    from: 'vHat.sqrt().add(epsilon)',
    to: 'vHat.add(epsilon).sqrt()',
  },
  {
    what: 'clipping: coefficient above 1',
    file: 'src/training/optimizer.ts',
    from: 'Math.min(1, maxGradNorm / (gradNorm + 1e-6))',
    to: 'maxGradNorm / (gradNorm + 1e-6)',
    tests: ['test/training/adamw.test.ts'],
  },
  {
    what: 'Adafactor: β₂ one step late',
    file: 'src/training/adafactor.ts',
    from: '1 - this.steps ** this.options.decayRate',
    to: '1 - (this.steps + 1) ** this.options.decayRate',
    tests: adafactor,
  },
  {
    what: 'Adafactor: a convolution factored as PyTorch does not',
    file: 'src/engine/adafactor.ts',
    from: '{ row: [first, ...rest], column: [second, ...rest] }',
    to: '{ row: [second, ...rest], column: [first, ...rest] }',
    tests: adafactor,
  },
  {
    what: 'Adafactor, plain: no clip threshold',
    file: 'src/engine/adafactor.ts',
    from: 'div(clipThreshold).maximum(1)',
    to: 'div(clipThreshold).mul(0).add(1)',
    tests: adafactor,
  },
  {
    what: 'Adafactor, plain: rows not relative to their mean',
    file: 'src/engine/adafactor.ts',
    from: 'r.div(r.mean(0, { keepDims: true })).sqrt()',
    to: 'r.sqrt()',
    tests: adafactor,
  },
  {
    what: 'resume: both moments of AdamW under one name',
    file: 'src/training/adamw.ts',
    from: "momentState('exp_avg_sq', v)",
    to: "momentState('exp_avg', m)",
    tests: adafactor,
  },
  {
    ...schedules,
    what: 'schedule of rates: one wave less',
    from: '(options.numCycles ?? 1) * progress',
    to: 'progress',
  },
  {
    ...schedules,
    what: 'schedule of rates: a polynomial that ends at 0',
    from: '(1 - end) * (1 - progress) ** power + end',
    to: '(1 - progress) ** power',
  },
  {
    ...schedules,
    what: 'schedule of rates: a step rule one step long',
    from: 'step < until',
    to: 'step <= until',
  },
];
