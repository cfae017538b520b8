import assert from 'node:assert/strict';
import { randnLatents } from '../../src/diffusion';
import { TorchGenerator } from '../../src/random';

describe('randnLatents', () => {
  const shape = [2, 2, 3, 4] as const; // B, h, w, C
  const at = (x: Float32Array, b: number, y: number, z: number, c: number) =>
    x[((b * 2 + y) * 3 + z) * 4 + c];

  it('lays out in NHWC what PyTorch draws in NCHW', () => {
    const drawn = new TorchGenerator(5).randn(48);
    const latents = randnLatents(new TorchGenerator(5), shape);
    assert.deepEqual(latents.shape, shape);
    const ours = latents.floats();
    latents.dispose();
    for (const [b, y, x, c] of [
      [0, 0, 0, 0],
      [0, 1, 2, 3],
      [1, 0, 1, 2],
      [1, 1, 0, 1],
    ] as const)
      assert.equal(at(ours, b, y, x, c), drawn[((b * 4 + c) * 2 + y) * 3 + x]);
  });

  it('draws each picture from its own generator where there are as many', () => {
    const single = (seed: number) => randnLatents(new TorchGenerator(seed), [1, 2, 3, 4]).floats();
    const both = randnLatents([new TorchGenerator(5), new TorchGenerator(6)], shape).floats();
    assert.deepEqual([...both], [...single(5), ...single(6)]);
    assert.throws(
      () =>
        randnLatents(
          [5, 6, 7].map((s) => new TorchGenerator(s)),
          shape,
        ),
      /3 generators were given for 2 pictures/,
    );
  });
});
