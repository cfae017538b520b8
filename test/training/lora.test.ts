import assert from 'node:assert/strict';
import {
  accumulateGrads,
  autocast,
  type MixedPrecision,
  noGrad,
  peakTensorBytes,
  profile,
  tensor,
  tensorCount,
  tidy,
  withKernels,
} from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline } from '../../src/hub';
import { type LoraUNet, type UNet, type UNetOptions, unet } from '../../src/models';
import { dpoLoss, forBothImages } from '../../src/preference';
import { AdamW } from '../../src/training';
import { assertClose } from '../support/assert';
import { fixturePath } from '../support/fixtures';
import { caseAdapter, loraCases, loraTensor, waveMap } from '../support/lora';
import { kernelModes, variants } from '../support/model-fixture';
import { wave } from '../support/wave';

const { attention } = loraCases;
const { betaDpo, learningRate, records } = attention.training;

interface StepOptions {
  readonly policy: UNet;
  readonly reference: UNet;
  readonly precision?: MixedPrecision;
  readonly recompute?: UNetOptions['recompute'];
}

/** Loss and gradient of one step of make_lora.py: the reference is the same weights without the adapter. */
function lossOf(step: number, { policy, reference, precision = 'no', recompute }: StepOptions) {
  return tidy(() => {
    const sample = waveMap([4, 4, 8, 8], step);
    const noise = forBothImages(waveMap([2, 4, 8, 8], 10 + step));
    const text = { encoderHiddenStates: tensor(wave([4, 5, 32], 20 + step), [4, 5, 32]) };
    const times = [100, 800, 100, 800].map((t) => t + step);
    const predict = (model: UNet, options: UNetOptions) =>
      autocast(precision, () => unet(model, sample, times, options));
    const refPred = noGrad(() => predict(reference, text));
    const { loss } = accumulateGrads(() =>
      dpoLoss(predict(policy, { ...text, recompute }), refPred, noise, { betaDpo }),
    );
    return loss.item();
  });
}

describe('DPO of an adapter', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
  });
  after(() => disposePipeline(pipeline));

  /** Runs `fn` with a base of the kernels in force, a new adapter and its optimizer. */
  function withRun<T>(
    matrices: 'float32' | 'bfloat16',
    fn: (reference: UNet, lora: LoraUNet, optimizer: AdamW) => T,
  ): T {
    const parameters = pipeline.unet.parameters.clone({ matrices });
    const reference: UNet = { ...pipeline.unet, parameters, p: parameters.tree() };
    const lora = caseAdapter(reference, attention);
    const optimizer = new AdamW([lora.adapter]);
    try {
      return fn(reference, lora, optimizer);
    } finally {
      for (const owned of [optimizer, lora.adapter, parameters]) owned.dispose();
    }
  }

  for (const mode of kernelModes)
    it(`takes the steps of peft and torch.optim.AdamW (${mode} kernels)`, () =>
      withKernels(mode, () =>
        withRun('float32', (reference, { model: policy, adapter }, optimizer) => {
          const start = new Map(adapter.names.map((name) => [name, adapter.read(name)]));
          records.forEach(({ loss, gradNorm }, step) => {
            const label = `step ${step + 1}`;
            assertClose(lossOf(step, { policy, reference }), loss, { rtol: 1e-4, label });
            const norm = optimizer.step(learningRate, { maxGradNorm: 1 });
            assertClose(norm, gradNorm, { rtol: 1e-3, label });
          });
          let [error, moved] = [0, 0];
          for (const [name, first] of start) {
            const torch = loraTensor('attention', `trained.${name}`);
            adapter.read(name).forEach((x, i) => {
              error += (x - (torch[i] ?? Number.NaN)) ** 2;
              moved += ((torch[i] ?? Number.NaN) - (first[i] ?? Number.NaN)) ** 2;
            });
          }
          assert.ok(error < 1e-3 ** 2 * moved, `off by ${Math.sqrt(error / moved)} of the way`);
        }),
      ));

  for (const [label, { mode, precision }] of variants)
    for (const matrices of ['float32', 'bfloat16'] as const)
      it(`starts at ln 2 to the last bit with a base in ${matrices} (${label})`, () =>
        withKernels(mode, () =>
          withRun(matrices, (reference, { model: policy, adapter }) => {
            const loss = lossOf(0, { policy, reference, precision });
            assert.equal(loss, Math.fround(Math.LN2));
            const names = adapter.names.filter((name) => name.includes('.lora_B.'));
            assert.ok(names.every((name) => adapter.readGrad(name).some((x) => x !== 0)));
          }),
        ));

  it('has no operation for the gradient of a frozen weight', () => {
    const weightGradients = /WeightGrad|BackpropFilter|BiasGrad|BiasAddGrad/;
    for (const mode of kernelModes)
      withKernels(mode, () =>
        withRun('float32', (reference, { model: policy, adapter }) => {
          const { operations } = profile(() => lossOf(0, { policy, reference }));
          const calls = operations
            .filter(({ name }) => weightGradients.test(name))
            .map((operation) => [operation.name, operation.calls]);
          const expected = [['DpoLinearWeightGradInto', adapter.names.length]]; // plain ones are MatMul
          assert.deepEqual(calls, mode === 'fused' ? expected : []);
          assert.throws(() => reference.parameters.readGrad('conv_in.weight'), /no gradient/);
        }),
      );
  });

  it('gives the same gradient with its blocks computed again, in less memory', () =>
    withRun('bfloat16', (reference, { model: policy, adapter }, optimizer) => {
      lossOf(0, { policy, reference });
      optimizer.step(learningRate); // B is no longer zero
      const gradients = (recompute: 'none' | 'blocks') => {
        const run = () => lossOf(1, { policy, reference, recompute });
        const { growth } = peakTensorBytes(run);
        const grads = adapter.names.map((name) => adapter.readGrad(name));
        adapter.zeroGrad();
        return { growth, grads };
      };
      const [kept, again] = [gradients('none'), gradients('blocks')];
      assert.ok(again.growth < 0.6 * kept.growth, `${again.growth} of ${kept.growth} bytes`);
      again.grads.forEach((grad, i) => {
        const label = adapter.names[i] ?? '';
        assertClose(grad, kept.grads[i] ?? [], { rtol: 1e-5, label });
      });
    }));

  it('leaves nothing over 50 steps', () =>
    withRun('bfloat16', (reference, { model: policy }, optimizer) => {
      const counts = Array.from({ length: 50 }, (_, step) => {
        lossOf(step % 3, { policy, reference, precision: 'bf16', recompute: 'blocks' });
        optimizer.step(learningRate, { maxGradNorm: 1 });
        return tensorCount();
      });
      assert.equal(new Set(counts.slice(1)).size, 1);
    }));
});
