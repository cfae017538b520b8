import assert from 'node:assert/strict';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import type { UNet } from '../../src/models';
import { TorchGenerator } from '../../src/random';
import { preferenceStep } from '../../src/training';
import { trainingSchedule } from '../../src/training/train';
import { assertClose, relativeL2 } from '../support/assert';
import { type FAMILIES, familyJson, familyPath } from '../support/families';
import { fixtureTensor, tensorFixture } from '../support/fixtures';
import { numbers, weightFromTorch } from '../support/model-fixture';
import { channelsLast, wave } from '../support/wave';

/** A training step of make_families.py. */
interface StepCase {
  readonly name: string;
  readonly model: keyof typeof FAMILIES;
  readonly timesteps: 'all' | 'turbo' | 'refiner';
  readonly method?: 'sft';
  readonly resolution: number;
  readonly pairs: number;
  readonly betaDpo: number;
  readonly seed: number;
  readonly captions: readonly string[];
  readonly record: Readonly<Record<'loss' | 'gradNorm', number>> & {
    readonly timesteps: readonly number[];
    readonly margin?: number;
    readonly modelLossW?: number;
    readonly refLossL?: number;
  };
}

const { cases } = familyJson<{ cases: readonly StepCase[] }>('steps.json');
const gradients = tensorFixture('families', 'steps.safetensors');

/** The pictures and prompts of the script. */
function batchOf({ tokenizer }: Pipeline, { method, pairs, resolution, captions }: StepCase) {
  const rows = method === 'sft' ? pairs : 2 * pairs;
  const shape = [rows, 3, resolution, resolution];
  return {
    pixelValues: channelsLast(wave(shape, 1), shape),
    pixelShape: [rows, resolution, resolution, 3] as const,
    inputIds: tokenizer.encode(captions).inputIds,
    captions,
  };
}

/** The reference, every weight moved by a formula. */
function movedPolicy({ config, parameters: start }: UNet): UNet {
  const parameters = start.clone().trainable();
  for (const name of parameters.names) {
    const torchShape = torchShapeOf(parameters.shape(name));
    const count = torchShape.reduce((n, d) => n * d, 1);
    const { data } = weightFromTorch(numbers(name, count), torchShape);
    const values = parameters.read(name);
    parameters.write(
      name,
      values.map((x, i) => x + 0.02 * (data[i] ?? 0)),
    );
  }
  return { config, parameters, p: parameters.tree() };
}

/** HWIO → OIHW. */
const torchShapeOf = (shape: readonly number[]) =>
  shape.length === 4 ? [3, 2, 0, 1].map((axis) => shape[axis] ?? 1) : shape;

describe('a training step of every family', () => {
  for (const testCase of cases)
    it(`has the loss, figures and gradients of the original's: ${testCase.name}`, async () => {
      const before = tensorCount();
      const pipeline = await loadPipeline(familyPath(testCase.model));
      const policy = movedPolicy(pipeline.unet);
      const { timesteps, seed, betaDpo, record: expected } = testCase;
      let times: readonly number[] = [];
      const step = preferenceStep({
        ...pipeline,
        policy,
        reference: pipeline.unet,
        schedule: trainingSchedule(pipeline, timesteps),
        generator: new TorchGenerator(seed),
        loss: testCase.method ?? 'dpo',
        lossOptions: { betaDpo },
        noising: { timesteps, turboLastTimestep: 'kept' },
        onMicroBatch: ({ noisy }) => {
          times = noisy.timesteps;
        },
      });
      const record = step(batchOf(pipeline, testCase), 1);
      assert.deepEqual(times, expected.timesteps);
      for (const key of ['modelLossW', 'refLossL'] as const)
        assertClose(record[key] ?? 0, expected[key] ?? 0, { rtol: 2e-5, atol: 0, label: key });
      assertClose(record.margin ?? 0, expected.margin ?? 0, { rtol: 0, atol: 20 * betaDpo * 1e-6 });
      assertClose(record.loss, expected.loss, { rtol: 1e-4, atol: 0, label: 'loss' });

      const { parameters } = policy;
      const all = parameters.names.map((name) => parameters.readGrad(name));
      const norm = Math.sqrt(all.flatMap((g) => [...g]).reduce((sum, x) => sum + x * x, 0));
      assertClose(norm, expected.gradNorm, { rtol: 1e-3, atol: 0, label: 'gradient norm' });
      const kept = [...gradients.keys()].filter((key) => key.startsWith(`${testCase.name}.`));
      assert.ok(kept.length >= 8);
      for (const key of kept) {
        const { data, shape } = fixtureTensor(gradients, key);
        const theirs = weightFromTorch(data, shape).data;
        const ours = parameters.readGrad(key.slice(testCase.name.length + 1));
        const size = Math.hypot(...theirs);
        // winner and loser nearly cancel in DPO's gradient, and leave the rounding of both
        const error = relativeL2(ours, theirs) * size;
        assert.ok(error <= 1e-3 * size + 2e-5 * norm, `${key}: ${error} of ${size}`);
      }
      parameters.dispose();
      disposePipeline(pipeline);
      assert.equal(tensorCount(), before);
    });
});
