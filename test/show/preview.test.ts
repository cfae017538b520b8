import assert from 'node:assert/strict';
import type { RgbImage } from '../../src/data/image';
import type { SampleStep } from '../../src/diffusion';
import { type Tensor, tensor, tensorCount } from '../../src/engine';
import { preview } from '../../src/show';

const NOTEBOOK = Symbol.for('diffusion-dpo.notebook');

interface Shown {
  readonly call: 'display' | 'update';
  readonly id?: string | undefined;
  readonly html: string;
  readonly text: string;
}

function inNotebook(): Shown[] {
  const shown: Shown[] = [];
  type Bundle = { readonly [mime: string]: unknown };
  const keep = (call: Shown['call'], id: string | undefined, data: Bundle) =>
    shown.push({ call, id, html: String(data['text/html']), text: String(data['text/plain']) });
  const display = (data: Bundle, { displayId }: { displayId?: string } = {}) =>
    keep('display', displayId, data);
  const update = (id: string, data: Bundle) => keep('update', id, data);
  Object.assign(globalThis, { [NOTEBOOK]: { display, update } });
  return shown;
}

/** As `sample` yields: latents of 1 + step, and of −1 where they are going. */
function* threeSteps(): Generator<SampleStep> {
  for (let step = 0; step < 3; step++) {
    const [latents, predOriginal] = [1 + step, -1].map((x) => tensor([x, x, x], [1, 1, 1, 3]));
    try {
      yield { step, steps: 3, timestep: 0, latents, predOriginal } as SampleStep;
    } finally {
      latents?.dispose();
      predOriginal?.dispose();
    }
  }
}

describe('preview', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, NOTEBOOK));

  it('shows where the picture is going, and at the end what it is, in one place', async () => {
    const [shown, before, looked] = [inNotebook(), tensorCount(), [] as number[]];
    const decode = (latents: Tensor): RgbImage[] => {
      looked.push(latents.floats()[0] ?? 0);
      return Array.from({ length: 6 }, () => ({ width: 8, height: 8, data: new Uint8Array(192) }));
    };
    const steps: number[] = [];
    for await (const { step } of preview(threeSteps(), { label: 'cat', decode })) steps.push(step);
    assert.deepEqual(steps, [0, 1, 2]);
    assert.equal(looked[0], -1, 'the first look is at x̂₀');
    assert.equal(looked.at(-1), 3, 'the last is at the latents');
    assert.equal(shown[0]?.call, 'display');
    assert.ok(shown.slice(1).every(({ call, id }) => call === 'update' && id === shown[0]?.id));
    const last = shown.at(-1);
    assert.match(last?.text ?? '', /^cat 3\/3 · \d+ s$/);
    assert.equal(last?.html.match(/<img /g)?.length, 4, 'no more than four of a batch');
    assert.equal(tensorCount(), before);
  });

  it('ends when its reader leaves, and the steps with it', async () => {
    const [shown, before] = [inNotebook(), tensorCount()];
    for await (const _ of preview(threeSteps())) break;
    assert.match(shown.at(-1)?.text ?? '', /^drawing 1\/3 · \d+ s$/);
    assert.match(shown.at(-1)?.html ?? '', /<img /);
    assert.equal(tensorCount(), before);
  });

  it('decodes nothing in a plain program', async () => {
    const decode = (): RgbImage[] => {
      throw new Error('nobody looks');
    };
    let count = 0;
    for await (const _ of preview(threeSteps(), { decode })) count++;
    assert.equal(count, 3);
  });
});
