import assert from 'node:assert/strict';
import { Parameters, tensorCount, withKernels } from '../../src/engine';
import { Adafactor, AdamW, type Optimizer } from '../../src/training';
import { assertClose } from '../support/assert';
import { jsonFixture } from '../support/fixtures';
import { addGradient, ourLayout, ourShape } from '../support/gradients';
import { kernelModes } from '../support/model-fixture';
import { wave } from '../support/wave';

interface Expected {
  readonly shapes: Readonly<Record<string, readonly number[]>>; // PyTorch's
  readonly learningRate: number;
  readonly steps: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly state: Readonly<Record<string, { shape: number[]; data: number[] }>>;
}

const { shapes, learningRate, steps, state } = jsonFixture<Expected>('training', 'adafactor.json');
const names = Object.keys(shapes);
const torchShape = (name: string) => shapes[name] ?? [];
const of = (name: string, values: ArrayLike<number>) => ourLayout(values, torchShape(name));

/** The weights of make_adafactor.py. */
function startingWeights(): Parameters {
  const weights = Parameters.allocate(names.map((name) => [name, ourShape(torchShape(name))]));
  names.forEach((name, i) => {
    weights.write(name, of(name, wave(torchShape(name), i)));
  });
  return weights;
}

/** Step `step` of make_adafactor.py, counted from 1. */
function takeStep(optimizer: Optimizer, weights: Parameters, step: number, scale = 1): void {
  names.forEach((name, i) => {
    const size = scale * 10 ** ((step % 3) - 1);
    const gradient = wave(torchShape(name), 10 * step + i).map((x) => x * size);
    addGradient(weights, name, of(name, gradient));
  });
  optimizer.step(learningRate);
}

describe('Adafactor', () => {
  for (const kernels of kernelModes)
    it(`takes the 20 steps of transformers' optimizer, factored and not, ${kernels} kernels`, () => {
      withKernels(kernels, () => {
        const before = tensorCount();
        const weights = startingWeights();
        const optimizer = new Adafactor([weights]);
        for (let step = 1; step <= 20; step++) {
          takeStep(optimizer, weights, step);
          for (const [name, expected] of Object.entries(steps[step] ?? {})) {
            const label = `${name}, step ${step}`;
            assertClose(weights.read(name), of(name, expected), { rtol: 1e-6, atol: 0, label });
          }
        }
        checkState(optimizer);
        assert.equal(optimizer.gradNorm(), 0, 'the gradient is zeroed for the next step');
        optimizer.dispose();
        weights.dispose();
        assert.equal(tensorCount(), before);
      });
    });

  it('does not mind the size of gradients, but scales them where a norm is to be kept', () => {
    const after = [1, 1000].map((scale) => {
      const weights = startingWeights();
      const optimizer = new Adafactor([weights]);
      takeStep(optimizer, weights, 1, scale);
      const read = weights.read('matrix');
      addGradient(weights, 'vector', new Float32Array(7).fill(3));
      const norm = optimizer.step(0, { maxGradNorm: 1 });
      assertClose(norm, 3 * Math.sqrt(7));
      const squares = optimizer.state.find(({ name }) => name === 'vector.exp_avg_sq')?.data()[0];
      optimizer.dispose();
      weights.dispose();
      return { read, squares: squares ?? Number.NaN };
    });
    assertClose(after[0]?.read ?? [], after[1]?.read ?? [], { rtol: 1e-6 });
    // β₂ of step 2 is 1 − 2^−0.8; the gradient was scaled to norm 1: 1/7 each. Before: sin(10)² · scale².
    const beta2 = 1 - 2 ** -0.8;
    const expected = beta2 * Math.sin(10) ** 2 + (1 - beta2) / 7;
    assertClose(after[0]?.squares ?? 0, expected, { rtol: 1e-5 });
  });

  it('refuses weights that PyTorch would take as a stack of matrices', () => {
    const weights = Parameters.allocate([['w', [2, 3, 4]]]);
    assert.throws(() => new Adafactor([weights]), /got a weight of shape \[2,3,4\]/);
    weights.dispose();
  });

  it('lets a gradient that is no number show before the weights are touched', () => {
    const weights = startingWeights();
    const optimizer = new Adafactor([weights]);
    addGradient(weights, 'vector', new Float32Array(7).fill(Number.NaN));
    assert.ok(Number.isNaN(optimizer.gradNorm()));
    optimizer.zeroGrad();
    assert.equal(optimizer.gradNorm(), 0);
    optimizer.dispose();
    weights.dispose();
  });
});

/** Names, shapes and numbers of the state, against PyTorch's. */
function checkState(optimizer: Adafactor): void {
  const ours = new Map(optimizer.state.map((entry) => [entry.name, entry]));
  assert.deepEqual([...ours.keys()].sort(), Object.keys(state).sort());
  for (const [name, { shape, data }] of Object.entries(state)) {
    const entry = ours.get(name);
    // [out, in, k] of a convolution is our [k, in, out]
    const [O = 0, I = 0, k = 0] = shape;
    const isConvolution = shape.length === 3;
    assert.deepEqual(entry?.shape, isConvolution ? [k, I, O] : shape, name);
    const expected = isConvolution ? ourLayout(data, [O, I, 1, k]) : data;
    assertClose(entry?.data() ?? [], expected, { rtol: 2e-6, label: name });
  }
}

const optimizers: Readonly<Record<string, (weights: Parameters) => Optimizer>> = {
  AdamW: (weights) => new AdamW([weights]),
  Adafactor: (weights) => new Adafactor([weights]),
};

describe('Optimizer', () => {
  for (const [title, make] of Object.entries(optimizers))
    for (const kernels of kernelModes)
      it(`${title}: 20 steps are 10, saved and brought back, and 10, bit for bit (${kernels})`, () => {
        withKernels(kernels, () => {
          const run = (weights: Parameters, optimizer: Optimizer, from: number, to: number) => {
            for (let step = from; step <= to; step++) takeStep(optimizer, weights, step);
          };
          const whole = startingWeights();
          const optimizer = make(whole);
          run(whole, optimizer, 1, 10);

          const resumed = startingWeights();
          for (const name of names) resumed.write(name, whole.read(name));
          const other = make(resumed);
          const saved = new Map(optimizer.state.map(({ name, data }) => [name, data()]));
          for (const { name, shape, write } of other.state) {
            const data = saved.get(name) ?? new Float32Array();
            assert.equal(
              data.length,
              shape.reduce((a, b) => a * b, 1),
            );
            write(data);
          }
          other.resumeAt(optimizer.stepCount);

          run(whole, optimizer, 11, 20);
          run(resumed, other, 11, 20);
          for (const name of names) assert.deepEqual(resumed.read(name), whole.read(name), name);
          for (const { name, data } of optimizer.state)
            assert.deepEqual(other.state.find((entry) => entry.name === name)?.data(), data());
          for (const owner of [optimizer, other, whole, resumed]) owner.dispose();
        });
      });
});
