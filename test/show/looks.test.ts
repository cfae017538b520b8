import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mimeBundle } from '../../kernels/typescript/rich-value';
import { batches, openPairs } from '../../src/data';
import { noiseSchedule } from '../../src/diffusion';
import { Parameters, tensorCount } from '../../src/engine';
import { PythonRandom, TorchGenerator } from '../../src/random';
import { winRate } from '../../src/scoring';
import { addLook, DISPLAY, lookOf, scoreTable, showPairs } from '../../src/show';
import { verdict } from '../../src/show/score-table';
import { fixturePath } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

const LIMIT = 500_000; // of a whole notebook

/** As the kernel shows it: page and text. */
async function shown(value: unknown) {
  const bundle = await mimeBundle(value);
  const size = JSON.stringify(bundle).length;
  assert.ok(size < LIMIT, `${size} bytes`);
  return { html: String(bundle['text/html'] ?? ''), text: String(bundle['text/plain']), bundle };
}

const images = (html: string) => html.match(/<img src="data:image/g)?.length ?? 0;

const pairs = () => openPairs(fixturePath('oracle', 'pickapic_tiny'));

describe('addLook', () => {
  it('gives values of a class the method that kernels look for', async () => {
    class Apple {
      readonly weight = 3;
    }
    addLook('apple', { class: Apple }, ({ weight }) => ({ 'text/plain': `apple of ${weight}` }));
    const apple = new Apple() as Apple & { [DISPLAY]?: () => object };
    assert.deepEqual(apple[DISPLAY]?.(), { 'text/plain': 'apple of 3' });
    assert.deepEqual(await mimeBundle(apple), { 'text/plain': 'apple of 3' });
  });

  it('shows values that pass a test, the newest look of a name alone', async () => {
    type Pear = { readonly pear: number };
    const look = (kind: string) =>
      addLook<Pear>('pear', { is: (v) => 'pear' in v }, ({ pear }) => ({
        'text/plain': `${kind} ${pear}`,
      }));
    look('old');
    look('new');
    assert.deepEqual(await mimeBundle({ pear: 4 }), { 'text/plain': 'new 4' });
    assert.equal(lookOf({ plum: 4 }), undefined);
  });
});

describe('the look of weights', () => {
  it('counts numbers and bytes of each block', async () => {
    const before = tensorCount();
    const parameters = Parameters.allocate(
      [
        ['conv_in.weight', [3, 3, 4, 8]], // 288
        ['down.0.weight', [8, 8]], // 64
        ['down.0.bias', [8]],
        ['down.1.weight', [8, 10]], // 80
      ],
      { matrices: 'bfloat16' },
    );
    const { text, html } = await shown(parameters);
    // bytes: 2 · 432 of matrices and 4 · 8 of a vector
    assert.deepEqual(text.split('\n'), [
      'weights: 440 numbers, 896 B in 4 tensors',
      '  conv_in: 288, 576 B, 65.5 %',
      '  down: 152, 320 B, 34.5 %',
      '    0: 72, 160 B, 16.4 %',
      '    1: 80, 160 B, 18.2 %',
    ]);
    assert.equal(html.match(/<details>/g)?.length, 4);
    assert.match(html, /weight \[8, 8\] 64 · 128 B\nbias \[8\] 8 · 32 B/);
    const { text: network } = await shown({
      config: { json: { _class_name: 'UNet2DConditionModel' } },
      parameters,
      p: {},
    });
    assert.match(network, /^UNet2DConditionModel: 440 numbers/);
    parameters.dispose();
    assert.equal(tensorCount(), before);
  });

  it('stays small where there are thousands', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => [`block.${i % 300}.w${i}`, [2]] as const);
    const parameters = Parameters.allocate(names);
    const { html } = await shown(parameters);
    assert.match(html, /10 tensors/);
    parameters.dispose();
  });
});

describe('the look of a pair', () => {
  it('is winner and loser, caption, label and where it is from, without its data set', async () => {
    const [pair] = (await pairs()).pairs;
    assert.ok(pair);
    const { html, text } = await shown(pair);
    assert.equal(images(html), 2);
    assert.ok(html.indexOf('preferred') < html.indexOf('rejected'));
    assert.ok(
      text.startsWith(
        `“${pair.caption}” · ${pair.winner} preferred to ${pair.loser} · row ${pair.row} of `,
      ),
    );
    assert.match(text, /\.parquet · jpg_\d \d+×\d+, jpg_\d \d+×\d+$/);
  });

  it('escapes its caption, and says what is wrong with a picture', async () => {
    const data = await pairs();
    const [first] = data.pairs;
    assert.ok(first);
    const { html, text } = await shown({
      ...first,
      caption: '<script>alert(1)</script>',
      rowInGroup: 9999,
    });
    assert.doesNotMatch(html, /<script>/);
    assert.match(html, /&lt;script&gt;/);
    assert.match(text, /There is no picture/);
  });

  it('comes several at a time, and with the whole data set', async () => {
    const data = await pairs();
    const { html, text } = await shown(showPairs(data, { from: 1, count: 2 }));
    assert.equal(images(html), 4);
    assert.match(text, new RegExp(`^pairs 1 to 2 of ${data.pairs.length}\n`));
    assert.match((await shown(data)).text, /^\d+ pairs: kept \d+ of \d+/);
    assert.throws(
      () => showPairs(data, { from: 1000 }),
      /Pair 1000 was asked for; there are \d+ pairs/,
    );
  });
});

describe('the look of a batch', () => {
  it('is what the model sees, winners above losers, with its captions', async () => {
    const data = await pairs();
    const random = { torch: new TorchGenerator(1), python: new PythonRandom(1) };
    const encode = (texts: string[]) => ({ inputIds: new Int32Array(texts.length * 5), length: 5 });
    const source = batches(data, { encode }, random, {
      batchSize: 3,
      resolution: 16,
      proportionEmptyPrompts: 1,
    });
    const { value: batch } = await source.next();
    await source.return(undefined);
    const { html, text } = await shown(batch);
    assert.equal(images(html), 6);
    assert.match(
      text,
      /^batch 1 of \d+, epoch 0: 3 pairs of 16×16, captions of 5 tokens\n {2}1\. \(no caption\)/,
    );
  });
});

describe('the look of a noise schedule', () => {
  it('is a figure of picture and noise, and its numbers', async () => {
    const schedule = noiseSchedule({
      _class_name: 'DDPMScheduler',
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      num_train_timesteps: 1000,
      prediction_type: 'epsilon',
    });
    const { text, bundle } = await shown(schedule);
    assert.ok('application/vnd.plotly.v1+json' in bundle && 'image/png' in bundle);
    // ᾱ_999 = 0.0047 of SD 1.x; 10 log10(ᾱ / (1 − ᾱ)) = −23.3 dB
    assert.match(text, /^1000 timesteps, the model predicts epsilon/);
    assert.match(text, /ᾱ_0 = 0\.9991, .*ᾱ_999 = 0\.00466/);
    assert.match(text, /from 30\.7 to -23\.3 dB/);
    assert.match(text, /Half of the variance is noise at t = 354/);
  });
});

const record = {
  ...{ step: 50, maxTrainSteps: 200, loss: 0.6, trainLoss: 0.6, gradNorm: 2, learningRate: 1e-5 },
  ...{ nextLearningRate: 1e-5, pairsPerSecond: 41.25, secondsLeft: 90, tensors: 1200 },
};

describe('the look of a step record', () => {
  it('tells every term, and on which picture the policy gained', async () => {
    const errors = { modelLossW: 0.25, refLossW: 0.5, modelLossL: 1, refLossL: 0.5 };
    const { text } = await shown({ ...record, implicitAcc: 0.75, margin: 0.1, ...errors });
    assert.match(text, /^step 50 of 200: loss 0\.6\n/);
    assert.match(text, /implicit accuracy 0\.75 · margin 0\.1 · gradient norm 2/);
    assert.match(
      text,
      /preferred 0\.25 better than the reference, what was rejected 0\.5 worse than it/,
    );
    assert.match(text, /pairs\/s 41\.3 · left 1:30 · tensors 1200$/);
  });

  it('leaves out what a loss does not have', async () => {
    const { text } = await shown(record);
    assert.doesNotMatch(text, /accuracy|policy|undefined|NaN/);
  });
});

describe('the look of a run', () => {
  it('is its curves, from the metrics in its folder', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => ({
      ...{ step: i + 1, loss: 0.7 - i / 100, implicit_acc: 0.5 + i / 100, lr: 1e-5 },
    }));
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const seen = await inTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'metrics.jsonl'), text);
      return shown({ outputDir: folder, step: 40, ended: 'interrupted' });
    });
    assert.ok('application/vnd.plotly.v1+json' in seen.bundle);
    // means of the last 4 of 40: 0.7 − 0.375, 0.5 + 0.375
    assert.match(seen.text, /^Run interrupted after 40 steps in /);
    assert.match(
      seen.text,
      /Loss 0\.7 → 0\.325 in 40 steps; 87\.5 % of the last pairs ranked as labelled/,
    );
  });

  it('is a sentence where nothing was written yet', async () => {
    const run = { outputDir: '/nowhere', step: 0, ended: 'interrupted' };
    assert.equal((await shown(run)).text, 'Run interrupted after 0 steps in /nowhere');
  });
});

describe('scoreTable', () => {
  it('says what each interval allows to say', async () => {
    assert.equal(verdict({ mean: 0.6, low: 0.51, high: 0.7, n: 9 }), 'above chance');
    assert.equal(verdict({ mean: 0.4, low: 0.3, high: 0.49, n: 9 }), 'below chance');
    assert.equal(verdict({ mean: 0.6, low: 0.5, high: 0.7, n: 9 }), 'not told from chance');
    const wins = winRate([2, 2, 2, 1], [1, 1, 1, 1]);
    const { text, html } = await shown(scoreTable({ '<DPO>': wins }, { title: 'wins' }));
    assert.match(text, /^wins\n<DPO> {2}87\.5 % .* · 3 won, 0 lost, 1 tied$/);
    assert.doesNotMatch(html, /<DPO>/);
  });

  it('draws the interval where it is', async () => {
    const score = { mean: 0.75, low: 0.7, high: 0.8, n: 100 };
    const { html } = await shown(scoreTable({ a: score }));
    const widths = [...html.matchAll(/width:(\d+)px;height:10px/g)].map(([, width]) =>
      Number(width),
    );
    // 200 px: chance at 100; the interval from 140 to 160 around the mean, 149 to 152
    assert.deepEqual(widths, [100, 1, 39, 9, 3, 8, 40]);
  });

  it('is how a rate shows itself', async () => {
    const rate = winRate([1, 1], [0, 0]);
    assert.match((await shown(rate)).text, /100\.0 % .* · above chance · 2 won/);
  });
});
