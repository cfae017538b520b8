import assert from 'node:assert/strict';
import { noiseSchedule } from '../../src/diffusion';
import {
  accumulateGrads,
  concat,
  type MixedPrecision,
  noGrad,
  type Tensor,
  tensor,
  tensorCount,
  tidy,
} from '../../src/engine';
import { loadPipeline, type Pipeline } from '../../src/hub';
import { type UNet, unet } from '../../src/models';
import { dpoLoss } from '../../src/preference';
import { TorchGenerator } from '../../src/random';
import {
  AdamW,
  dpoStep,
  lrSchedules,
  type PairBatch,
  type StepRecord,
  sftStep,
  trainingLoop,
} from '../../src/training';
import { assertClose, maxError, relativeL2 } from '../support/assert';
import { fixturePath, jsonFixture, tensorFixture } from '../support/fixtures';
import { channelsLast, wave } from '../support/wave';

interface Expected {
  readonly seed: number;
  readonly betaDpo: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly accumulation: number;
  readonly pairs: number;
  readonly textLength: number;
  readonly records: readonly {
    loss: number;
    gradNorm: number;
    learningRate: number;
    implicitAcc?: number;
  }[];
}

/** The batches of make_training.py. */
function* batchesOf(method: 'dpo' | 'sft', { pairs, textLength }: Expected): Generator<PairBatch> {
  const rows = method === 'dpo' ? 2 * pairs : pairs;
  const shape = [rows, 3, 16, 16];
  for (let number = 0; ; number++)
    yield {
      pixelValues: channelsLast(wave(shape, number), shape),
      pixelShape: [rows, 16, 16, 3],
      inputIds: Int32Array.from({ length: pairs * textLength }, (_, i) => (i * 7 + number) % 400),
      captions: new Array<string>(pairs).fill(''),
    };
}

async function run(
  method: 'dpo' | 'sft',
  pipeline: Pipeline,
  expected: Expected,
  mixedPrecision: MixedPrecision = 'no',
) {
  const parameters = pipeline.unet.parameters.clone();
  const policy = { ...pipeline.unet, parameters, p: parameters.tree<UNet['p']>() };
  const optimizer = new AdamW([parameters]);
  const generator = new TorchGenerator(expected.seed);
  const schedule = noiseSchedule(pipeline.scheduler);
  const models = { ...pipeline, policy, reference: pipeline.unet };
  const parts = { ...models, schedule, generator, mixedPrecision };
  const { betaDpo } = expected;
  const steps = expected.records.length;
  const records: StepRecord[] = [];
  const loop = trainingLoop({
    batches: batchesOf(method, expected),
    microStep: method === 'dpo' ? dpoStep({ ...parts, betaDpo }) : sftStep(parts),
    optimizer,
    maxTrainSteps: steps,
    gradientAccumulationSteps: expected.accumulation,
    learningRate: expected.learningRate,
    lrSchedule: lrSchedules.constant_with_warmup({
      warmupSteps: expected.warmupSteps,
      trainingSteps: steps,
    }),
  });
  for await (const record of loop) records.push(record);
  return {
    records,
    policy,
    dispose: () => [optimizer, parameters].map((owner) => owner.dispose()),
  };
}

/** PyTorch's layout of our weight: OIHW of HWIO. */
function torchLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return data;
  const [kH = 0, kW = 0, I = 0, O = 0] = shape;
  const out = new Float32Array(data.length);
  for (let k = 0; k < kH * kW; k++)
    for (let i = 0; i < I; i++)
      for (let o = 0; o < O; o++)
        out[(o * I + i) * kH * kW + k] = data[(k * I + i) * O + o] ?? Number.NaN;
  return out;
}

describe('trainingLoop', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });

  for (const method of ['dpo', 'sft'] as const)
    it(`takes the steps of the original's ${method} on a CPU: losses, norms, weights`, async () => {
      const expected = jsonFixture<Expected>('training', `${method}.json`);
      const { records, policy, dispose } = await run(method, pipeline, expected);
      expected.records.forEach((torch, i) => {
        const label = `${method} step ${i + 1}`;
        const ours = records[i] as StepRecord;
        assertClose(ours.loss, torch.loss, { rtol: 2e-4, label });
        assertClose(ours.gradNorm, torch.gradNorm, { rtol: 1e-3, label });
        assert.equal(ours.learningRate, torch.learningRate);
        assert.equal(ours.implicitAcc, torch.implicitAcc);
      });
      const changes = tensorFixture('training', `${method}-changes.safetensors`);
      for (const [name, change] of changes) {
        const start = pipeline.unet.parameters.read(name);
        const ours = policy.parameters.read(name).map((x, i) => x - (start[i] ?? 0));
        const shape = policy.parameters.shape(name);
        const error = relativeL2(torchLayout(ours, shape), change.data as Float32Array);
        assert.ok(error < 2e-2, `${name} moved differently: ${error}`);
      }
      dispose();
    });

  for (const precision of ['no', 'bf16'] as const)
    it(`starts at ln 2 to the last bit, the policy agreeing with the reference (${precision})`, async () => {
      const expected = jsonFixture<Expected>('training', 'dpo.json');
      const { records, dispose } = await run('dpo', pipeline, expected, precision);
      assert.equal(records[0]?.loss, Math.fround(Math.LN2));
      assert.equal(records[0]?.modelLossW, records[0]?.refLossW);
      assert.equal(records[0]?.gradientFactor, 0.5);
      assert.equal(records[0]?.margin, 0);
      assert.ok((records[0]?.gradNorm ?? 0) > 1);
      dispose();
    });

  for (const method of ['dpo', 'sft'] as const)
    it(`takes ${method} steps in bf16 that are those of float32 but for rounding`, async () => {
      const expected = jsonFixture<Expected>('training', `${method}.json`);
      const { records, policy, dispose } = await run(method, pipeline, expected, 'bf16');
      expected.records.forEach((torch, i) => {
        const ours = records[i] as StepRecord;
        assertClose(ours.loss, torch.loss, { rtol: 0.15, label: `loss of step ${i + 1}` });
        assertClose(ours.gradNorm, torch.gradNorm, { rtol: 0.15, label: `norm of step ${i + 1}` });
      });
      const first = records[0] as StepRecord;
      assert.notEqual(first.gradNorm, expected.records[0]?.gradNorm);
      const [name = ''] = policy.parameters.names;
      const bits = new Uint32Array(policy.parameters.read(name).buffer);
      assert.ok(
        bits.some((x) => x & 0xffff),
        'weights are float32',
      );
      dispose();
    });

  it('gives the gradient of a big batch when small ones are added up', () => {
    const model = pipeline.unet;
    const pairs = 4;
    const weights = model.parameters.clone().trainable();
    const policy: UNet = { ...model, parameters: weights, p: weights.tree() };
    const inputs = (phase: number, columns: number) =>
      tensor(wave([2 * pairs, columns], phase), [2 * pairs, columns]);
    const [noisy, noise, text] = [inputs(1, 256), inputs(2, 256), inputs(3, 77 * 32)];
    /** Adds the gradient of pairs [from, to), as part of all pairs. */
    const add = (from: number, to: number) =>
      tidy(() => {
        const rows = (x: Tensor, shape: readonly number[]) => {
          const half = (start: number) => x.slice([start, 0], [to - from, -1]);
          return concat([half(from), half(pairs + from)], 0).reshape([2 * (to - from), ...shape]);
        };
        const latents = rows(noisy, [8, 8, 4]);
        const target = rows(noise, [8, 8, 4]);
        const states = { encoderHiddenStates: rows(text, [77, 32]) };
        const times = Array<number>(2 * (to - from)).fill(500);
        const refPred = noGrad(() => unet(model, latents.mul(1.01), times, states));
        accumulateGrads(() => ({
          loss: dpoLoss(unet(policy, latents, times, states), refPred, target, {
            betaDpo: 5,
          }).loss.mul((to - from) / pairs),
        }));
      });
    add(0, pairs);
    const whole = weights.names.map((name) => weights.readGrad(name));
    weights.zeroGrad();
    for (let pair = 0; pair < pairs; pair++) add(pair, pair + 1);
    const norm = Math.sqrt(weights.squaredGradNorm());
    weights.names.forEach((name, i) => {
      const error = maxError(weights.readGrad(name), whole[i] ?? []).error;
      assert.ok(error <= 1e-6 * norm, `${name}: ${error} of a gradient of norm ${norm}`);
    });
    for (const owner of [noisy, noise, text, weights]) owner.dispose();
  });

  for (const [precision, steps] of [
    ['no', 200],
    ['bf16', 20],
  ] as const)
    it(`leaks no tensor in ${steps} steps (${precision})`, async () => {
      const expected = jsonFixture<Expected>('training', 'dpo.json');
      const record = expected.records[0] as Expected['records'][number];
      const long = { ...expected, pairs: 1, accumulation: 1, records: Array(steps).fill(record) };
      const { records, dispose } = await run('dpo', pipeline, long, precision);
      assert.deepEqual(new Set(records.map(({ tensors }) => tensors)).size, 1);
      assert.equal(records.length, steps);
      dispose();
    });

  it('ends between steps when it is told to, with nothing left behind', async () => {
    const before = tensorCount();
    const expected = jsonFixture<Expected>('training', 'dpo.json');
    const { dispose } = await run('dpo', pipeline, {
      ...expected,
      records: expected.records.slice(0, 1),
    });
    dispose();
    assert.equal(tensorCount(), before);
  });
});
