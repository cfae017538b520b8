import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-node-gpu';
import { mimeBundle } from '../../kernels/typescript/rich-value';
import { type Tensor, tensor, tensorCount, withKernels } from '../../src/engine';
import { DISPLAY, lookOf } from '../../src/show';
import { histogram, tensorStats } from '../../src/show/tensor-stats';
import { assertClose } from '../support/assert';

const shownAs = async (value: unknown) => {
  const bundle = (await lookOf(value)?.[DISPLAY]()) ?? {};
  return { html: String(bundle['text/html'] ?? ''), text: String(bundle['text/plain']) };
};

/** Numbers between shift − 1 and shift + 1, in no order. */
const wave = (n: number, { shift = 0 } = {}) =>
  Float32Array.from({ length: n }, (_, i) => shift + Math.sin(i * i));

describe('tensorStats', () => {
  it('sums a small tensor up by hand', () => {
    const x = tensor([1, -2, 4, Number.NaN, Number.POSITIVE_INFINITY], [5]);
    const { nan, infinite, finite } = tensorStats(x);
    assert.deepEqual({ nan, infinite }, { nan: 1, infinite: 1 });
    // mean 1; squares 0 + 9 + 9 = 18, over 3
    assert.deepEqual(finite, { min: -2, max: 4, mean: 1, std: Math.sqrt(6) });
    x.dispose();
  });

  it('joins pieces whose means differ', () => {
    // 2²⁰ zeros, a piece, and 2¹⁹ threes: mean 1, mean of squares 3
    const x = tensor(new Float32Array(1.5 * 2 ** 20).fill(3, 2 ** 20), [3, 2 ** 19]);
    assert.deepEqual(tensorStats(x).finite, { min: 0, max: 3, mean: 1, std: Math.SQRT2 });
    x.dispose();
  });

  for (const mode of ['fused', 'plain'] as const) {
    it(`reduces a large one where it is, in pieces, to the same figures (${mode})`, () => {
      withKernels(mode, () => {
        const values = wave(1_100_000, { shift: 50 }); // more than a piece
        values[3] = Number.NaN;
        values[1_099_999] = Number.NEGATIVE_INFINITY;
        values[1_099_998] = 99;
        const before = tensorCount();
        const x = tensor(values, [11, 100_000]);
        const stats = tensorStats(x);
        const kept = [...values].filter(Number.isFinite);
        const mean = kept.reduce((a, b) => a + b, 0) / kept.length;
        const variance = kept.reduce((a, b) => a + (b - mean) ** 2, 0) / kept.length;
        assert.deepEqual([stats.nan, stats.infinite], [1, 1]);
        assert.deepEqual([stats.finite?.min, stats.finite?.max], [Math.fround(49), 99]);
        assertClose(stats.finite?.mean ?? 0, mean, { rtol: 1e-6 });
        assertClose(stats.finite?.std ?? 0, Math.sqrt(variance), { rtol: 1e-4 });
        const counts = histogram(x, stats, 50); // 49 … 99 in ones
        assert.deepEqual(counts.slice(3), [...new Array(46).fill(0), 1]);
        assert.equal(
          counts.slice(0, 3).reduce((a, b) => a + b),
          1_099_997,
        );
        x.dispose();
        assert.equal(tensorCount(), before);
      });
    });
  }

  it('never reads a large tensor as a whole', () => {
    const x = tensor(wave(100_000), [100_000]);
    x.dataSync = () => assert.fail('read as a whole');
    tensorStats(x);
    x.dispose();
  });

  it('has nothing to say of no number', () => {
    const x = tensor([Number.NaN], [1]);
    assert.equal(tensorStats(x).finite, undefined);
    assert.deepEqual(histogram(x, tensorStats(x), 2), [0, 0]);
    x.dispose();
  });
});

describe('the look of a tensor', () => {
  it('tells shape, type, size, figures and the numbers', async () => {
    const x = tensor([1, -2, 4, 1], [2, 2]);
    const { html, text } = await shownAs(x);
    assert.equal(
      text,
      'Tensor [2, 2] float32, 16 B\nmin -2 · mean 1 · max 4 · std 2.121\n[[1, -2], [4, 1]]',
    );
    assert.match(html, /Tensor \[2, 2\] float32/);
    x.dispose();
  });

  it('counts what is no number, in words', async () => {
    const x = tensor([Number.NaN, 1, Number.NaN, Number.NEGATIVE_INFINITY], [4]);
    assert.match((await shownAs(x)).text, /2 NaN, 1 infinite/);
    assert.match((await shownAs(x)).html, /2 NaN, 1 infinite/);
    x.dispose();
  });

  it('shows the ends and the spread of a large one', async () => {
    const x = tensor(
      Float32Array.from({ length: 1000 }, (_, i) => i),
      [10, 100],
    );
    const { html, text } = await shownAs(x);
    assert.match(text, /\[0, 1, 2, 3, 4, …, 995, 996, 997, 998, 999\]/);
    assert.match(text, /█{32} from min to max/);
    assert.equal(html.match(/height:3[56]px;background-color/g)?.length, 32);
    x.dispose();
  });

  it('shows pictures where the shape is of pictures or latents, and leaves no tensor behind', async () => {
    const before = tensorCount();
    const pictures = async (shape: readonly number[], values: (i: number) => number = Math.sin) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const x = tensor(
        Float32Array.from({ length: size }, (_, i) => values(i)),
        shape,
      );
      const { html, text } = await shownAs(x);
      x.dispose();
      return { images: html.match(/<img /g)?.length ?? 0, text };
    };
    assert.equal((await pictures([2, 8, 8, 4])).images, 2);
    assert.match((await pictures([20, 8, 8, 3])).text, /6 of 20 pictures, −1 … 1$/);
    assert.match((await pictures([1, 8, 8, 3], (i) => (i % 200) + 1)).text, /0 … 255$/);
    assert.match((await pictures([1, 8, 8, 1], (i) => i % 2)).text, /0 … 1$/);
    assert.match((await pictures([8, 8, 3], (i) => i % 7)).text, /0 … 6$/);
    assert.equal((await pictures([1, 700, 300, 3])).images, 1);
    assert.equal((await pictures([3, 3, 320, 4])).images, 0);
    assert.equal((await pictures([64, 3])).images, 0);
    assert.equal(tensorCount(), before);
  });

  it('says of a disposed one that it is', async () => {
    const x = tensor([7, 8], [2]);
    x.dispose();
    assert.equal((await shownAs(x)).text, 'Tensor [2], disposed');
  });

  it('is small, whatever the tensor', async () => {
    const x = tensor(wave(6 * 256 * 256 * 3), [6, 256, 256, 3]);
    const { html, text } = await shownAs(x);
    assert.ok(html.length + text.length < 200_000, `${html.length} bytes`);
    x.dispose();
  });

  it('reads bfloat16, int32 and bool', async () => {
    const texts: string[] = [];
    for (const type of ['bfloat16', 'int32', 'bool'] as const) {
      const x: Tensor = tensor([1, 0], [2], type);
      texts.push((await shownAs(x)).text);
      x.dispose();
    }
    for (const text of texts) assert.match(text, /min 0 · mean 0\.5 · max 1 · std 0\.5\n\[1, 0\]/);
  });
});

describe('the look of a tf.Tensor', () => {
  it("is the same, through the kernel, and takes none of tfjs's memory or ours", async () => {
    const x = tf.tensor2d([1, -2, 4, 1], [2, 2]);
    const before = [tensorCount(), tf.memory().numTensors];
    const { 'text/plain': text } = await mimeBundle(x);
    assert.match(String(text), /^tf\.Tensor \[2, 2\] float32, 16 B\nmin -2 · mean 1/);
    assert.deepEqual([tensorCount(), tf.memory().numTensors], before);
    x.dispose();
    assert.deepEqual(await mimeBundle(x), { 'text/plain': 'tf.Tensor [2, 2], disposed' });
  });

  it('is that of a variable too, and words where the type cannot be read', async () => {
    const variable = tf.variable(tf.zeros([3]));
    assert.match((await shownAs(variable)).text, /^tf\.Tensor \[3\] float32/);
    variable.dispose();
    const words = tf.tensor(['a', 'b']);
    assert.equal((await shownAs(words)).text, 'tf.Tensor [2] string');
    words.dispose();
  });
});

describe('what the kernel shows', () => {
  it('is printed as Node prints it where nothing is known of it', async () => {
    assert.deepEqual(await mimeBundle({ a: 1 }), { 'text/plain': '{ a: 1 }' });
    assert.deepEqual(await mimeBundle(undefined), { 'text/plain': 'undefined' });
    assert.equal(lookOf(null), undefined);
  });
});
