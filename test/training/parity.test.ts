import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { noiseSchedule } from '../../src/diffusion';
import { tensorCount, tidy } from '../../src/engine';
import { loadPipeline, type Pipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { splitPair } from '../../src/preference';
import { TorchGenerator } from '../../src/random';
import {
  lossSwitches,
  noiseBatch,
  noisingSwitches,
  type Parity,
  type ParitySwitch,
  type ParitySwitches,
  parityLedger,
  paritySwitches,
  preferenceStep,
  textEncoderConstructorDraws,
} from '../../src/training';
import { fixturePath } from '../support/fixtures';
import { channelsLast, wave } from '../support/wave';

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
    const [repo, paper, fixed] = sets.map(paritySwitches);
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

  const PAIRS = 8;

  function pairBatch() {
    const shape = [2 * PAIRS, 3, 16, 16];
    return {
      pixelValues: channelsLast(wave(shape, 1), shape),
      pixelShape: [2 * PAIRS, 16, 16, 3],
      inputIds: new Int32Array(PAIRS * 77),
      captions: new Array<string>(PAIRS).fill(''),
    } as const;
  }

  /** One DPO micro-step of two pairs, policy equal to reference, under a set of switches. */
  function stepUnder(parity: Parity, more: { inputPerturbation?: number; bf16?: true }) {
    const switches = paritySwitches(parity);
    const parameters = pipeline.unet.parameters.clone().trainable();
    const policy = { ...pipeline.unet, parameters, p: parameters.tree<UNet['p']>() };
    const mixedPrecision = more.bf16 ? 'bf16' : 'no';
    const step = preferenceStep({
      ...pipeline,
      schedule: noiseSchedule(pipeline.scheduler),
      generator: new TorchGenerator(4),
      loss: 'dpo',
      lossOptions: lossSwitches(switches, mixedPrecision),
      noising: {
        ...noisingSwitches(switches),
        ...(more.inputPerturbation ? { inputPerturbation: more.inputPerturbation } : {}),
      },
      policy,
      reference: pipeline.unet,
      mixedPrecision,
    });
    const record = step(pairBatch(), 1);
    const gradNorm = Math.sqrt(parameters.squaredGradNorm());
    parameters.dispose();
    return { ...record, gradNorm };
  }
  it('start at ln 2 with a gradient, implicit accuracy 0 in repo and paper, ½ in fixed', () => {
    const before = tensorCount();
    for (const [parity, implicitAcc] of [
      ['repo', 0],
      ['paper', 0],
      ['fixed', 0.5],
    ] as const) {
      const record = stepUnder(parity, {});
      assert.equal(record.loss, Math.fround(Math.LN2), parity);
      assert.equal(record.implicitAcc, implicitAcc, parity);
      assert.ok(record.gradNorm > 1, parity);
    }
    assert.equal(tensorCount(), before);
  });

  it('referenceErrors: only repo in mixed precision does not start at ln 2', () => {
    assert.notEqual(stepUnder('repo', { bf16: true }).loss, Math.fround(Math.LN2));
    assert.equal(stepUnder('paper', { bf16: true }).loss, Math.fround(Math.LN2));
    assert.equal(stepUnder('fixed', { bf16: true }).loss, Math.fround(Math.LN2));
  });

  it('perturbationOrder: in repo a loser is noised with more than its target', () => {
    const [repo, paper, fixed] = sets.map((set) => stepUnder(set, { inputPerturbation: 0.1 }));
    assert.equal(repo?.modelLossW, fixed?.modelLossW);
    assert.notEqual(repo?.modelLossL, fixed?.modelLossL);
    assert.equal(paper?.modelLossL, fixed?.modelLossL);
  });

  it('turboLastTimestep: at t = 999 both pictures of a pair are the same noise, and fixed leaves that out', () => {
    const blind = (parity: Parity) =>
      tidy(() => {
        const noising = { ...noisingSwitches(paritySwitches(parity)), timesteps: 'turbo' } as const;
        const schedule = noiseSchedule({ ...pipeline.scheduler, rescale_betas_zero_snr: true });
        const generator = new TorchGenerator(4);
        const batch = pairBatch();
        const noisy = noiseBatch({ ...pipeline, schedule }, batch, generator, noising);
        const { w, l } = splitPair(noisy.noisyLatents);
        const apart = w.sub(l).abs().sum([1, 2, 3]).floats();
        const last = noisy.timesteps.slice(0, PAIRS).map((t) => t === 999);
        assert.deepEqual(
          [...apart].map((distance) => distance === 0),
          last,
        );
        return last.filter(Boolean).length;
      });
    assert.ok(blind('repo') > 0);
    assert.equal(blind('paper'), blind('repo'));
    assert.equal(blind('fixed'), 0);
  });

  it('textEncoderDraws: the first noise comes after them', () => {
    const { config } = pipeline.textEncoder;
    const first = (parity: Parity) => {
      const generator = new TorchGenerator(4);
      if (paritySwitches(parity).textEncoderDraws === 'drawn')
        textEncoderConstructorDraws(generator, config);
      return generator.rand(1)[0];
    };
    assert.equal(first('fixed'), new TorchGenerator(4).rand(1)[0]);
    assert.notEqual(first('repo'), first('fixed'));
  });
});
