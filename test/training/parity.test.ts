import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { planLines } from '../../src/cli/plan-text';
import { loadPipeline, type Pipeline } from '../../src/hub';
import {
  checkConfiguration,
  type MeasureStepOptions,
  measureStep,
  type Parity,
  type ParitySwitch,
  type ParitySwitches,
  parityLedger,
  paritySwitches,
  planRun,
  resolveTrainOptions,
  type TrainRequest,
} from '../../src/training';
import { fixturePath } from '../support/fixtures';
import { pairBatch } from '../support/pair-batch';

const sets = ['repo', 'paper', 'fixed'] as const;
const rows = Object.entries(parityLedger) as [keyof ParitySwitches, ParitySwitch][];

describe('parityLedger', () => {
  it('gives every switch one of its values in every set, a sentence, a source and a place that exists', () => {
    for (const [name, { values, describe, source, actsIn, ...row }] of rows) {
      assert.ok(values.length === 2 && new Set(values).size === 2, name);
      for (const set of sets) assert.ok(values.includes(row[set]), `${name} in ${set}`);
      assert.match(describe, /^.{40,}\.$/, name);
      assert.ok(source.length > 0, name);
      assert.ok(existsSync(join(__dirname, '..', '..', actsIn)), `${name} acts in ${actsIn}`);
    }
  });

  it('differs between the sets in these switches and in no others', () => {
    const [repo, paper, fixed] = sets.map((set) => paritySwitches(set));
    const changed = (a?: ParitySwitches, b?: ParitySwitches) =>
      rows.map(([name]) => name).filter((name) => a?.[name] !== b?.[name]);
    assert.deepEqual(changed(paper, fixed), [
      'turboLastTimestep',
      'implicitAccTies',
      'captionText',
    ]);
    assert.deepEqual(changed(repo, paper), [
      ...['perturbationOrder', 'referenceErrors', 'textEncoderDraws', 'epochEnd', 'overrunEpochs'],
      ...['tieFilter', 'captionColumn', 'mseLogging', 'loggedLr', 'savedEncoders'],
    ]);
    for (const set of [repo, paper, fixed]) assert.equal(set?.accelerate0202Accumulation, 'off');
  });
});

describe('paritySwitches', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });

  /** One DPO micro-step of eight pairs, policy equal to reference, under a set of switches. */
  const stepUnder = (parity: Parity, more: Partial<MeasureStepOptions> = {}) =>
    measureStep(pairBatch(8), { pipeline, parity: paritySwitches(parity), seed: 4, ...more });

  it('start at ln 2 with a gradient, implicit accuracy 0 in repo and paper, ½ in fixed', () => {
    for (const [parity, implicitAcc] of [
      ['repo', 0],
      ['paper', 0],
      ['fixed', 0.5],
    ] as const) {
      const record = stepUnder(parity);
      assert.equal(record.loss, Math.fround(Math.LN2), parity);
      assert.equal(record.implicitAcc, implicitAcc, parity);
      assert.ok(record.gradNorm > 1, parity);
    }
  });

  it('in mixed precision start at ln 2 but for repo', () => {
    const [repo, ...others] = sets.map((set) => stepUnder(set, { mixedPrecision: 'bf16' }).loss);
    assert.notEqual(repo, Math.fround(Math.LN2));
    assert.deepEqual(others, [Math.fround(Math.LN2), Math.fround(Math.LN2)]);
  });

  it('put single switches on top of a set', () => {
    const one = paritySwitches('repo', { epochEnd: 'carry on' });
    assert.deepEqual(one, { ...paritySwitches('repo'), epochEnd: 'carry on' });
    assert.equal(paritySwitches('repo').epochEnd, 'step');
  });
});

describe('--parity_switch', () => {
  const options = (request: TrainRequest = {}) =>
    resolveTrainOptions({
      ...{ pretrainedModelNameOrPath: 'owner/model', datasetName: 'owner/data' },
      ...request,
    });

  it('is part of what a checkpoint is compared in', () => {
    const { paritySwitch: _, ...older } = options(); // a file of before has no such option
    checkConfiguration(older, { ...options() });
    const now = options({ paritySwitch: { tieFilter: 'always' } });
    checkConfiguration({ ...now }, { ...now });
    assert.throws(
      () => checkConfiguration(older, { ...now }),
      /--parity_switch was not set, is \{"tieFilter":"always"\}\. Train/,
    );
    checkConfiguration(older, { ...now }, ['parity_switch']);
  });

  it('has one line in the plan, and none where it is not given', async () => {
    const lines = async (request: TrainRequest) => planLines(await planRun(options(request)));
    const paritySwitch = { tieFilter: 'always', loggedLr: 'of the next step' } as const;
    const [line = '', ...more] = (await lines({ paritySwitch })).filter((x) => /switch/.test(x));
    assert.equal(line, 'parity switches         tieFilter: always; loggedLr: of the next step');
    assert.deepEqual(more, []);
    assert.ok((await lines({})).every((x) => !/switch/.test(x)));
  });
});
