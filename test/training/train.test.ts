import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline, savePipeline } from '../../src/hub';
import { NotFiniteError, type TrainHooks, type TrainRequest, train } from '../../src/training';
import { readMetrics, TIMING_METRICS } from '../../src/training/metrics';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';
import { request, run } from '../support/train-run';

/** Everything in a checkpoint but the manifest, whose hashes follow from the rest, and what the machine measured. */
function contentOf(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile() && !['manifest.json', 'config.json'].includes(entry.name))
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path.slice(folder.length), readFileSync(path).toString('base64')];
      }),
  );
}

async function measured(folder: string) {
  const all = await readMetrics(join(folder, 'metrics.jsonl'));
  return all.map((metrics) =>
    Object.fromEntries(Object.entries(metrics).filter(([name]) => !TIMING_METRICS.has(name))),
  );
}

const kinds: readonly (readonly [name: string, TrainRequest])[] = [
  ['AdamW, accumulated', {}],
  [
    "the original's faults, workers, random crops",
    { parity: 'repo', dataloaderNumWorkers: 2, randomCrop: true },
  ],
  ['Adafactor, a moving average', { useAdafactor: true, useEma: true, emaDecay: 0.9 }],
  ['LoRA, cosine', { loraRank: 2, lrScheduler: 'cosine' }],
  [
    'winners alone, bf16, blocks computed again',
    { lossType: 'sft', mixedPrecision: 'bf16', gradientCheckpointing: true },
  ],
];

describe('train: resumed', () => {
  for (const [name, options] of kinds)
    it(`takes the steps of an uninterrupted run, bit for bit: ${name}`, () =>
      inTemporaryFolder(async (folder) => {
        const [whole, parts] = ['whole', 'parts'].map((part) => join(folder, part)) as [
          string,
          string,
        ];
        await run(request(whole, options));
        await run(request(parts, options), {}, 2);
        const { records, result, notes } = await run(request(parts, options));
        assert.match(notes.join(), /Going on after step 2/);
        assert.deepEqual(
          records.map(({ step }) => step),
          [3, 4, 5, 6],
        );
        assert.equal(result?.ended, 'finished');
        assert.deepEqual(await measured(parts), await measured(whole));
        const last = 'checkpoint-6';
        assert.deepEqual(contentOf(join(parts, last)), contentOf(join(whole, last)));
        const unet = ['unet', 'diffusion_pytorch_model.safetensors'];
        assert.deepEqual(readFileSync(join(parts, ...unet)), readFileSync(join(whole, ...unet)));
      }));

  it('stopped in the middle of an accumulation, goes on from the last whole step', () =>
    inTemporaryFolder(async (folder) => {
      const [whole, parts] = ['whole', 'parts'].map((part) => join(folder, part)) as [
        string,
        string,
      ];
      await run(request(whole, { gradientAccumulationSteps: 3 }));
      const stop = new AbortController();
      const asked = request(parts, { gradientAccumulationSteps: 3 });
      const training = train(asked, { signal: stop.signal });
      await training.next();
      setTimeout(() => stop.abort(), 20); // while the micro-batches of step 2 or 3 are made
      let last = await training.next();
      while (!last.done) last = await training.next();
      assert.equal(last.value.ended, 'interrupted');
      assert.match(last.value.checkpoint ?? '', new RegExp(`checkpoint-${last.value.step}$`));
      await run(asked);
      assert.deepEqual(await measured(parts), await measured(whole));
      assert.deepEqual(
        contentOf(join(parts, 'checkpoint-6')),
        contentOf(join(whole, 'checkpoint-6')),
      );
    }));

  it('does nothing, and says so, when the run is finished', () =>
    inTemporaryFolder(async (folder) => {
      await run(request(folder, { maxTrainSteps: 1 }));
      const before = tensorCount();
      const { records, result, notes } = await run(request(folder, { maxTrainSteps: 1 }));
      assert.deepEqual(records, []);
      assert.equal(result?.ended, 'finished before');
      assert.match(notes.join(), /has taken 1 of 1 steps: nothing to do/);
      assert.equal(tensorCount(), before);
    }));

  it('saves the pipeline of a run that was killed after its last checkpoint', () =>
    inTemporaryFolder(async (folder) => {
      await run(request(folder, { maxTrainSteps: 1 }));
      for (const name of ['finished.json', 'model_index.json']) rmSync(join(folder, name));
      const { records, result } = await run(request(folder, { maxTrainSteps: 1 }));
      assert.deepEqual([records.length, result?.ended], [0, 'finished']);
      disposePipeline(await loadPipeline(folder));
    }));

  it('keeps no more checkpoints than it may, though it was killed before the oldest was removed', () =>
    inTemporaryFolder(async (folder) => {
      const asked = request(folder, { maxTrainSteps: 1, checkpointsTotalLimit: 1 });
      await run(asked);
      for (const name of ['finished.json', 'model_index.json']) rmSync(join(folder, name));
      cpSync(join(folder, 'checkpoint-1'), join(folder, 'checkpoint-0'), { recursive: true });
      await run(asked);
      const names = readdirSync(folder).filter((name) => name.startsWith('checkpoint-'));
      assert.deepEqual(names, ['checkpoint-1']);
    }));

  it('refuses a checkpoint of other options, naming them, unless they may differ', () =>
    inTemporaryFolder(async (folder) => {
      await run(request(folder, { maxTrainSteps: 1 }));
      const other = request(folder, { betaDpo: 100, learningRate: 1e-4 });
      await assert.rejects(
        run(other),
        /--learning_rate was 0\.001, is 0\.0001.*--beta_dpo was 5000, is 100|--beta_dpo was 5000, is 100.*--learning_rate was 0\.001, is 0\.0001/,
      );
      const allowed = {
        ...other,
        ignoreConfigDifference: ['beta_dpo', 'learning_rate'],
        maxTrainSteps: 2,
      };
      const { records } = await run(allowed);
      assert.deepEqual(
        records.map(({ learningRate }) => learningRate),
        [0.5e-4],
      ); // warm-up: 1 of 2
    }));

  it('frees everything where a checkpoint lacks what the options ask for', () =>
    inTemporaryFolder(async (folder) => {
      await run(request(folder, { maxTrainSteps: 1 }));
      const before = tensorCount();
      const more = { useEma: true, ignoreConfigDifference: ['use_ema'], maxTrainSteps: 2 };
      await assert.rejects(run(request(folder, more)), /has no ema\.safetensors/);
      assert.equal(tensorCount(), before);
    }));

  it('with hardSkipResume reads the data from the start of an epoch', () =>
    inTemporaryFolder(async (folder) => {
      await run(request(folder), {}, 2);
      const hard = await run(request(folder, { hardSkipResume: true }));
      assert.deepEqual(
        hard.records.map(({ step }) => step),
        [3, 4, 5, 6],
      );
    }));
});

describe('train: what it leaves', () => {
  it('a pipeline that loads, metrics under the original names, and no tensor', () =>
    inTemporaryFolder(async (folder) => {
      const before = tensorCount();
      const { records } = await run(request(folder, { maxTrainSteps: 3, checkpointingSteps: 2 }));
      assert.equal(tensorCount(), before);
      assert.equal(new Set(records.map(({ tensors }) => tensors)).size, 1);
      const checkpoints = readdirSync(folder).filter((name) => name.startsWith('checkpoint-'));
      assert.deepEqual(checkpoints.sort(), ['checkpoint-2', 'checkpoint-3']);
      const [first, , third] = await readMetrics(join(folder, 'metrics.jsonl'));
      assert.equal(first?.train_loss, Math.fround(Math.LN2));
      assert.equal(first?.lr, 0);
      assert.equal(third?.grad_norm, records[2]?.gradNorm);
      for (const name of [
        'model_mse_unaccumulated',
        'ref_mse_unaccumulated',
        'implicit_acc_accumulated',
      ])
        assert.ok(name in (third ?? {}), name);
      const tuned = await loadPipeline(folder);
      const base = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
      const [name = ''] = tuned.unet.parameters.names;
      assert.notDeepEqual(tuned.unet.parameters.read(name), base.unet.parameters.read(name));
      assert.deepEqual(
        tuned.vae.parameters.read('encoder.conv_in.weight'),
        base.vae.parameters.read('encoder.conv_in.weight'),
      );
      disposePipeline(tuned);
      disposePipeline(base);
    }));

  it('policy and reference both from --unet_init, the autoencoder from a folder of its own', () =>
    inTemporaryFolder(async (folder) => {
      const other = join(folder, 'other');
      const pipeline = await loadPipeline(fixturePath('pipelines', 'tiny-sd'));
      for (const part of ['unet', 'vae'] as const) {
        const { parameters } = pipeline[part];
        for (const name of parameters.names)
          parameters.write(
            name,
            parameters.read(name).map((x) => 1.01 * x),
          );
      }
      await savePipeline(pipeline, other);
      const output = join(folder, 'output');
      const parts = { unetInit: other, pretrainedVaeModelNameOrPath: join(other, 'vae') };
      const { records } = await run(request(output, { ...parts, maxTrainSteps: 1 }));
      assert.equal(records[0]?.loss, Math.fround(Math.LN2)); // with another reference it would not be
      const tuned = await loadPipeline(output); // at rate 0 it is where it began
      for (const part of ['unet', 'vae'] as const)
        for (const name of pipeline[part].parameters.names)
          assert.deepEqual(tuned[part].parameters.read(name), pipeline[part].parameters.read(name));
      for (const held of [tuned, pipeline]) disposePipeline(held);
    }));

  it('strips of base and policy where validation asks for them', () =>
    inTemporaryFolder(async (folder) => {
      const steps: number[] = [];
      const onValidation: TrainHooks['onValidation'] = (pictures, step) => {
        assert.equal(pictures[0]?.prompt, 'a hat');
        steps.push(step);
      };
      const asked = { maxTrainSteps: 3, validationPrompts: ['a hat'], validationSteps: 2 };
      await run(request(folder, asked), { onValidation });
      assert.deepEqual(steps, [2, 3]);
      assert.deepEqual(readdirSync(join(folder, 'validation')).sort(), ['step-2', 'step-3']);
    }));

  it('the folder alone while another process trains into it', () =>
    inTemporaryFolder(async (folder) => {
      const other = spawn('sleep', ['60']);
      const begun = { host: hostname(), startedAt: '2026-03-01T12:00:00Z', maxTrainSteps: 9 };
      const status = { state: 'running', pid: other.pid, cwd: folder, ...begun };
      writeFileSync(join(folder, 'run.json'), JSON.stringify(status));
      const half = join(folder, '.checkpoint-1.7.0123abcd.incomplete'); // what it is writing
      writeFileSync(half, '');
      const asked = request(folder, { maxTrainSteps: 1 });
      await assert.rejects(run(asked), { message: new RegExp(`process ${other.pid} trains into`) });
      assert.ok(existsSync(half));
      other.kill();
      await once(other, 'close');
      assert.equal((await run(asked)).result?.ended, 'finished');
    }));

  it('nothing of another run overwritten', () =>
    inTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'metrics.jsonl'), '{"step":1,"train_loss":9}\n');
      const { notes } = await run(request(folder, { maxTrainSteps: 1 }));
      assert.match(notes.join(), /metrics\.jsonl of an earlier attempt is now .*metrics-1\.jsonl/);
      assert.match(readFileSync(join(folder, 'metrics-1.jsonl'), 'utf8'), /"train_loss":9/);
      const anew = request(folder, { resumeFromCheckpoint: '' });
      await assert.rejects(run(anew), /model_index\.json is of another run/);
    }));
});

describe('train: numbers that are none', () => {
  it('stops before the weights are touched, and keeps the record of the step', () =>
    inTemporaryFolder(async (folder) => {
      const asked = request(folder, {
        learningRate: 1e30,
        lrScheduler: 'constant',
        maxGradNorm: 1e30,
      });
      const notes: string[] = [];
      const failing = async () => {
        for await (const _ of train(asked, { note: (sentence) => notes.push(sentence) }));
      };
      await assert.rejects(failing(), NotFiniteError);
      assert.match(notes.join(), /The record of the step is in .*broken-step\.json/);
      const broken = JSON.parse(readFileSync(join(folder, 'broken-step.json'), 'utf8'));
      assert.equal(broken.step, 2);
    }));
});
