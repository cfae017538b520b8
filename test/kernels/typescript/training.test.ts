/** Training in a cell, stopped and gone on with in the next ones. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type KernelClient, startKernel } from '../../../kernels/typescript/client';
import { fixturePath } from '../../support/fixtures';

type Json = { readonly [key: string]: unknown };

const ROOT = join(__dirname, '..', '..', '..');

describe('training that is stopped', () => {
  let folder = '';
  let kernel: KernelClient;

  before(async () => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache', 'kernel-train-'));
    kernel = await startKernel({ folder });
  });

  after(async () => {
    await kernel?.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a cell and interrupts it when it has printed `stopAt`. */
  const run = async (code: string, stopAt?: string) => {
    let [text, value] = ['', ''];
    let isStopped = false;
    const reply = await kernel.execute(code, {
      onMessage: (type, content) => {
        if (type === 'stream') text += content.text;
        if (type === 'execute_result') value = String((content.data as Json)['text/plain']);
        if (isStopped || stopAt === undefined || !text.includes(stopAt)) return;
        isStopped = true;
        void kernel.interrupt();
      },
    });
    const expected = stopAt === undefined ? undefined : 'Interrupted';
    assert.equal(reply.ename, expected, `${String(reply.evalue)}\n${text}`);
    return { text, value };
  };
  const loop = (run: string, numbers: string, hooks = '') => `
    for await (const { step, loss, gradNorm, margin } of train({ ...options, outputDir: '${run}' }${hooks})) {
      ${numbers}.push([step, loss, gradNorm, margin]);
      console.log('step ' + step + ';');
    }`;

  it('goes on in the next cell, bit for bit as a run that was not', async () => {
    await run(`
      import { readdirSync } from 'node:fs';
      import { cellSignal } from '../../src/show/notebook';
      import { train } from '../../src/training';
      const options = {
        pretrainedModelNameOrPath: ${JSON.stringify(fixturePath('pipelines', 'tiny-sd'))},
        datasetName: ${JSON.stringify(fixturePath('oracle', 'pickapic_tiny'))},
        resolution: 16, trainBatchSize: 2, gradientAccumulationSteps: 2, learningRate: 1e-3,
        lrWarmupSteps: 2, maxTrainSteps: 18, seed: 7, mixedPrecision: 'no' as const, reportTo: 'none' as const,
      };
      const whole: unknown[] = [];
      const parts: unknown[] = [];
      let after = 0;`);
    await run(loop('whole', 'whole'));

    // By the signal: at most the micro-batch under way is still worked on.
    const watched = await run(
      `const signal = cellSignal();
      const onMicroBatch = () => { if (signal?.aborted) after++; };
      ${loop('parts', 'parts', ', { signal, onMicroBatch }')}`,
      'step 7;',
    );
    assert.doesNotMatch(watched.text, /step 10;/);
    assert.ok(Number((await run('after')).value) <= 1);
    const seven = await run(
      "readdirSync('parts').filter((name) => name.startsWith('checkpoint')).join()",
    );
    assert.match(seven.value, /checkpoint-[7-9]'/);

    // Without the signal: the loop of the cell is left after its turn, and the run saves.
    await run(loop('parts', 'parts'), 'step 11;');
    await run(loop('parts', 'parts'));

    const [first, second] = JSON.parse(
      (await run('console.log(JSON.stringify([whole, parts]))')).text,
    ) as [unknown[], unknown[]];
    assert.equal(first.length, 18);
    assert.deepEqual(second, first);
    const weights = (name: string) =>
      readFileSync(join(folder, name, 'unet', 'diffusion_pytorch_model.safetensors'));
    assert.ok(weights('parts').equals(weights('whole')));
  });
});
