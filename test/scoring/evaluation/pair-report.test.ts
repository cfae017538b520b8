import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openPairs } from '../../../src/data';
import { noiseSchedule } from '../../../src/diffusion';
import { tensorCount } from '../../../src/engine';
import { disposePipeline, loadPipeline } from '../../../src/hub';
import {
  implicitReport,
  pairReport,
  scorerDifferences,
} from '../../../src/scoring/evaluation/pair-report';
import { openScorer } from '../../../src/scoring/evaluation/scorers';
import { type ImplicitMargins, implicitMargins } from '../../../src/scoring/implicit-accuracy';
import { copyOf, seeded, worldBatches } from '../../../src/toyworld/world-training';
import { assertClose } from '../../support/assert';

describe('pairReport', () => {
  it('has accuracy with ties half, and σ(scale · difference) against the labels', () => {
    const report = pairReport([2, 2, 2, -2, 0], { resamples: 500 });
    assertClose(report.accuracy.value, 0.7);
    assert.equal(report.accuracy.n, 5);
    assertClose(report.calibration.scale, Math.log(3) / 2); // three of four at σ(2 s) = ¾
    assert.equal(pairReport([2, 2], { scale: 3, resamples: 100 }).calibration.scale, 3);
  });

  it('takes the differences of labelled pairs from a scorer, preferred less rejected', async () => {
    const data = await openPairs(join('data', 'pairs'), { split: 'heldout' });
    const few = { ...data, pairs: data.pairs.slice(0, 12) };
    const judge = await openScorer('judge');
    const differences = await scorerDifferences(few, judge);
    const { accuracy } = pairReport(differences, { resamples: 100 });
    assert.ok(accuracy.value >= 0.75, `the judge agrees with ${accuracy.value} of its own labels`);
    const turned = few.pairs.map((pair) => ({ ...pair, winner: pair.loser, loser: pair.winner }));
    const opposite = await scorerDifferences({ ...few, pairs: turned }, judge);
    assertClose(
      opposite,
      differences.map((difference) => -difference),
    );
  });
});

describe('implicitReport', () => {
  const pairs: ImplicitMargins[] = [
    { caption: 'a', margins: [3, -1], timesteps: [10, 990] },
    { caption: 'b', margins: [-2, 1], timesteps: [40, 500] },
    { caption: 'c', margins: [1, 1], timesteps: [999, 0] },
  ];

  it('judges a pair by the mean of its draws, and a time by single draws', () => {
    const report = implicitReport(pairs, { betaDpo: 2, bins: 2, resamples: 200 });
    assertClose(report.accuracy.value, 2 / 3); // 1, −½, 1
    const [early, late] = report.times;
    assert.deepEqual([early?.n, late?.n, late?.from], [3, 3, 500]);
    assertClose([early?.accuracy ?? 0, late?.accuracy ?? 0], [2 / 3, 2 / 3]);
    assertClose([early?.margin ?? 0, late?.margin ?? 0], [2 / 3, 1 / 3]);
    const softplus = (x: number) => Math.log1p(Math.exp(x));
    assertClose(report.calibration.logLoss, (2 * softplus(-2) + softplus(1)) / 3);
  });
});

describe('implicitMargins', () => {
  it('are 0 for the reference itself, and of the same times and noises for every policy', async () => {
    const base = await loadPipeline(join('data', 'base'));
    const policy = copyOf(base.unet);
    const bias = policy.parameters.read('conv_out.bias');
    policy.parameters.write(
      'conv_out.bias',
      bias.map((x) => x + 0.05),
    );
    const data = await openPairs(join('data', 'pairs'), { split: 'heldout' });
    const few = { ...data, pairs: data.pairs.slice(0, 4) };
    const tensors = tensorCount();
    const marginsOf = async (model: typeof policy) => {
      const random = seeded(3);
      const batches = worldBatches({ base }, few, random, { batchSize: 4, epochs: 1 });
      const list: ImplicitMargins[] = [];
      const models = {
        policy: model,
        reference: base.unet,
        schedule: noiseSchedule(base.scheduler),
      };
      const options = { ...base, ...models, generator: random.torch, draws: 2 };
      for await (const pair of implicitMargins(batches, options)) list.push(pair);
      return list;
    };
    const [same, other] = [await marginsOf(base.unet), await marginsOf(policy)];
    assert.deepEqual(
      same.flatMap(({ margins }) => margins.map(Math.abs)),
      new Array(8).fill(0),
    );
    assert.deepEqual(
      same.map(({ timesteps }) => timesteps),
      other.map(({ timesteps }) => timesteps),
    );
    assert.ok(other.every(({ margins }) => margins.some((margin) => margin !== 0)));
    assert.deepEqual(
      new Set(same.map(({ caption }) => caption)),
      new Set(few.pairs.map((pair) => pair.caption)),
    );
    assert.equal(tensorCount(), tensors);
    policy.parameters.dispose();
    disposePipeline(base);
  });
});
