import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, type RgbImage } from '../../src/data/image';
import { type Tensor, tensor, tensorCount, tidy } from '../../src/engine';
import {
  DISPLAY,
  dashboard,
  runFigure,
  showImages,
  showLatents,
  showTrajectory,
} from '../../src/show';
import { UPDATE_BYTES } from '../../src/show/live';
import { liveBundle } from '../../src/show/plot';
import { inTemporaryFolder } from '../support/temporary';

/** A picture that does not compress. */
const noise = (width: number, height = width): RgbImage => ({
  width,
  height,
  data: Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => Math.imul(i ** 3 + i, 40503) >>> 24,
  ),
});

const html = async (value: ReturnType<typeof showImages>) =>
  String((await value[DISPLAY]())['text/html']);

describe('showImages', () => {
  it('shows small pictures as they are, with escaped captions', async () => {
    const shown = await html(showImages([noise(8), noise(8)], ['a <b>', 'c']));
    assert.equal(shown.match(/<img /g)?.length, 2);
    assert.match(shown, /width="128" height="128"/);
    assert.match(shown, /<small>a &lt;b&gt;<\/small>/);
    assert.doesNotMatch(shown, /<details>/);
  });

  it('shows a large one small, and in full behind a click', async () => {
    const shown = await html(showImages([noise(300, 150)]));
    assert.match(
      shown,
      /<details><summary[^>]*><img src="data:image\/png[^>]*width="128" height="64"/,
    );
    const [, full = ''] = /data:image\/\w+;base64,([^"]*)" alt="full size"/.exec(shown) ?? [];
    const { width, height } = await decodeImage(Buffer.from(full, 'base64'));
    assert.deepEqual([width, height], [300, 150]);
  });

  it('leaves full pictures that are too many to a folder, and is small', async () => {
    const many = new Array<RgbImage>(16).fill(noise(256));
    const shown = await html(showImages(many));
    assert.ok(shown.length < 1_000_000, `${shown.length}`);
    assert.match(shown, /are not in the notebook; a folder keeps them/);
    await inTemporaryFolder(async (parent) => {
      const folder = join(parent, 'pictures');
      const linked = await html(showImages(many.slice(0, 2), [], { folder }));
      assert.deepEqual(readdirSync(folder).sort(), ['0.png', '1.png']);
      const kept = await decodeImage(readFileSync(join(folder, '1.png')));
      assert.deepEqual(kept.data, noise(256).data);
      assert.match(linked, /<a href="[^"]*\/1\.png" target="_blank"/);
    });
  });

  it('takes a tensor of pictures, and keeps none of it', async () => {
    const x = tensor(
      Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i)),
      [2, 8, 8, 3],
    );
    const before = tensorCount();
    const shown = showImages(x);
    x.dispose();
    assert.equal((await html(shown)).match(/<img /g)?.length, 2);
    assert.equal(tensorCount(), before - 1);
    const flat = tensor([1], [1]);
    assert.throws(() => showImages(flat), /this is \[1\]/);
    flat.dispose();
    assert.throws(() => showImages([]), /no picture/);
  });
});

describe('showLatents', () => {
  it('tells shape and scale, and draws each', async () => {
    const x = tensor(new Float32Array(3 * 8 * 8 * 4), [3, 8, 8, 4]);
    const bundle = await showLatents(x, { captions: ['t = 1'] })[DISPLAY]();
    x.dispose();
    assert.match(
      String(bundle['text/plain']),
      /^latents \[3, 8, 8, 4\], −3 … 3 .*\n1\. t = 1 \[8×8\]/,
    );
  });
});

describe('showTrajectory', () => {
  function* walk(count: number, made: Tensor[]) {
    for (let step = 0; step < count; step++) {
      const [latents, predOriginal] = tidy(() =>
        [0, 1].map(() => tensor(new Float32Array(128), [1, 4, 8, 4])),
      );
      if (!latents || !predOriginal) return;
      made.push(latents, predOriginal);
      yield { step, steps: count, timestep: 1000 - step, latents, predOriginal };
      latents.dispose();
      predOriginal.dispose();
    }
  }

  it('shows some steps, the first and the last among them, and leaks nothing', async () => {
    const before = tensorCount();
    const shown = await showTrajectory(walk(20, []), { shown: 5 });
    assert.equal(tensorCount(), before);
    const text = String((await shown[DISPLAY]())['text/plain']);
    assert.match(text, /^5 of 20 steps/);
    const times = [...text.matchAll(/^\d\. t = (\d+)/gm)].map(([, t]) => Number(t));
    assert.deepEqual([times[0], times.at(-1), times.length], [1000, 981, 5]);
  });

  it('decodes with what it is given', async () => {
    const before = tensorCount();
    const shown = await showTrajectory(walk(2, []), { decode: () => noise(16) });
    assert.match(String((await shown[DISPLAY]())['text/plain']), /t = 1000 \[16×16\]/);
    assert.equal(tensorCount(), before);
  });
});

describe('dashboard', () => {
  const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  const record = (step: number, maxTrainSteps: number) => ({
    ...{
      step,
      maxTrainSteps,
      loss: 0.7 - step / 1e5,
      trainLoss: 0.7,
      gradNorm: 1,
      learningRate: 1e-5,
    },
    ...{
      nextLearningRate: 1e-5,
      pairsPerSecond: 40,
      secondsLeft: 61,
      tensors: 9,
      implicitAcc: 0.6,
    },
  });

  async function* run(steps: number, total = steps) {
    for (let step = 1; step <= steps; step++) yield record(step, total);
  }

  /** Keeps the size of everything shown, and what is there at the end. */
  function inNotebook() {
    const sizes: number[] = [];
    const places = new Map<string, { readonly [mime: string]: unknown }>();
    const keep = (id: string, data: { readonly [mime: string]: unknown }) => {
      sizes.push(JSON.stringify(data).length);
      places.set(id, data);
    };
    Object.assign(globalThis, {
      [NOTEBOOK]: {
        display: (data: object, { displayId = '' }) => keep(displayId, { ...data }),
        update: (id: string, data: object) => keep(id, { ...data }),
      },
    });
    return { sizes, places };
  }

  it('passes the records on, shows curves, pace and the newest pictures, and ends as figure and text', async () => {
    const { sizes, places } = inNotebook();
    const steps: number[] = [];
    const samples = ({ step }: { step: number }) =>
      step % 100 === 0
        ? [
            {
              caption: `step ${step}`,
              pictures: [
                { image: noise(8), label: 'base' },
                { image: noise(8), label: 'policy' },
              ],
            },
          ]
        : undefined;
    for await (const { step } of dashboard(run(600), { title: 'DPO', samples })) steps.push(step);
    assert.equal(steps.length, 600);
    assert.equal(places.size, 2);
    assert.ok(Math.max(...sizes) <= 200_000, `${Math.max(...sizes)} bytes`);
    const [head, curves] = [...places.values()];
    assert.match(
      String(head?.['text/plain']),
      /^DPO: step 600 of 600 · loss 0\.694 · .* · time [\d:]+( s)?\n1\. step 600 \[base \| policy\]/,
    );
    assert.equal(String(head?.['text/html']).match(/<img /g)?.length, 2);
    assert.ok(curves && 'application/vnd.plotly.v1+json' in curves);
    assert.match(
      String(curves?.['text/plain']),
      /^Loss 0\.7 → 0\.694 in 600 steps; 60 % of the last pairs/,
    );
  });

  it('is shown live in less than 200 KB, however long the run', () => {
    const records = Array.from({ length: 20_000 }, (_, i) => ({
      ...{
        step: i + 1,
        loss: Math.sin(i * i),
        implicitAcc: Math.cos(i * i),
        margin: Math.sin(i ** 3),
      },
      gradNorm: Math.cos(i ** 3),
    }));
    const bytes = JSON.stringify(liveBundle(runFigure(records))).length;
    assert.ok(bytes <= UPDATE_BYTES, `${bytes} bytes`);
  });

  it('leaves what it had when the loop ends early, by its reader or by an error', async () => {
    const { places } = inNotebook();
    for await (const { step } of dashboard(run(5, 10))) if (step === 2) break;
    assert.match(String([...places.values()][0]?.['text/plain']), /^training: step 2 of 10 /);
    async function* broken() {
      yield record(1, 10);
      throw new Error('not finite');
    }
    const all = async () => {
      for await (const _ of dashboard({ records: broken() }));
    };
    await assert.rejects(all, /not finite/);
    assert.equal(places.size, 4);
  });
});
