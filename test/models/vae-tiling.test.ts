import assert from 'node:assert/strict';
import { concat, dryRun, noGrad, type Tensor, tidy, withKernels, zeros } from '../../src/engine';
import { allocateWeights } from '../../src/hub/weights';
import {
  decode,
  encode,
  type TileOptions,
  tileCuts,
  type Vae,
  type VaeParams,
  type VaeParts,
  vaeConfig,
  vaeWeights,
} from '../../src/models';
import { assertClose, assertNoLeak } from '../support/assert';
import { fixtureTensor, jsonFixture, tensorFixture } from '../support/fixtures';
import {
  fixtureInput,
  fixtureModel,
  kernelModes,
  mapFromTorch,
  modelCase,
} from '../support/model-fixture';

/** A case of test/fixtures/make_vae_tiling.py, under diffusers' names. */
interface Case {
  readonly model: string;
  readonly way: 'encode' | 'decode';
  readonly size: readonly [batch: number, height: number, width: number];
  readonly tiles?: {
    readonly tile_sample_min_size: number;
    readonly tile_latent_min_size: number;
    readonly tile_overlap_factor?: number;
  };
  readonly slicing?: true;
}

const { cases } = jsonFixture<{ cases: Record<string, Case> }>('models', 'tiles.json');
const expected = tensorFixture('models', 'tiles.safetensors');

function fixtureVae(name: string): Vae {
  const config = vaeConfig(modelCase(name).config);
  return fixtureModel<typeof config, VaeParams>(config, vaeWeights(config));
}

const tileOptions = ({ tiles }: Case): TileOptions =>
  tiles
    ? {
        tileSampleMinSize: tiles.tile_sample_min_size,
        tileLatentMinSize: tiles.tile_latent_min_size,
        tileOverlapFactor: tiles.tile_overlap_factor,
      }
    : {};

/** What the case is given, and what comes of it; both the caller's. */
function computed(model: Vae, { way, size: [B, H, W] }: Case, parts: VaeParts) {
  return tidy((): Tensor => {
    if (way === 'decode') {
      const latents = fixtureInput('latents', [B, model.config.latentChannels, H, W]);
      return decode(model, latents, parts);
    }
    const pixels = fixtureInput('pixelValues', [B, model.config.inChannels, H, W]);
    const { mean, logvar } = encode(model, pixels, parts);
    return concat([mean, logvar], 3);
  });
}

describe('encode and decode in parts', () => {
  for (const [name, one] of Object.entries(cases))
    for (const mode of kernelModes)
      it(`have diffusers' values: ${name} (${mode} kernels)`, () => {
        const model = fixtureVae(one.model);
        const slicing = one.slicing ? 'pictures' : 'none';
        const result = withKernels(mode, () =>
          computed(model, one, { slicing, tiling: tileOptions(one) }),
        );
        const { data, shape } = fixtureTensor(expected, name);
        const torch = mapFromTorch(data, shape);
        assert.deepEqual(result.shape, torch.shape);
        assertClose(result, torch.data, { rtol: 1e-4, atol: 0 });
        result.dispose();
        model.parameters.dispose();
      });

  it('compute whole what is no larger than a tile, to the last bit', () => {
    const model = fixtureVae('vae-sd1');
    for (const name of ['decode whole', 'encode whole']) {
      const one = cases[name];
      assert.ok(one);
      const [tiled, whole] = [{ tiling: {} }, {}].map((parts) => computed(model, one, parts));
      assert.deepEqual(tiled?.floats(), whole?.floats());
      for (const t of [tiled, whole]) t?.dispose();
    }
    model.parameters.dispose();
  });

  it('leave no tensor behind', () => {
    const model = fixtureVae('vae-sd1');
    const parts = { slicing: 'pictures', tiling: { tileSampleMinSize: 16 } } as const;
    const inParts = () => {
      const pixels = zeros([2, 20, 12, 3]);
      const { mean, logvar } = encode(model, pixels, parts);
      const image = decode(model, mean, parts);
      for (const t of [pixels, mean, logvar, image]) t.dispose();
    };
    inParts(); // constants, such as shapes, exist from the first use on
    assertNoLeak(inParts);
    model.parameters.dispose();
  });
});

describe("memory of SDXL's autoencoder on a picture of 1024 × 1024", () => {
  const config = vaeConfig({
    block_out_channels: [128, 256, 512, 512],
    down_block_types: Array(4).fill('DownEncoderBlock2D'),
    up_block_types: Array(4).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
    sample_size: 1024,
  });

  /** Most bytes of all tensors together, the weights included. */
  function peak(way: Case['way'], parts: VaeParts) {
    const { peakBytes } = dryRun(() => {
      const parameters = allocateWeights(vaeWeights(config));
      const model: Vae = { config, parameters, p: parameters.tree<VaeParams>() };
      const x = zeros(way === 'decode' ? [1, 128, 128, 4] : [1, 1024, 1024, 3]);
      const run = () => (way === 'decode' ? decode(model, x, parts) : encode(model, x, parts).mean);
      for (const t of [noGrad(run), x, parameters]) t.dispose();
    });
    return peakBytes / 1e9;
  }

  it('is the input of the first block at full size, normed and not, and two maps of half as many channels', () => {
    // [1024, 1024, 256] has 1.07 GB, all weights 0.33 GB
    assert.ok(peak('decode', {}) < 3.7);
    assert.ok(peak('encode', {}) < 2.6);
  });

  it('is a third of that in tiles of 512 × 512', () => {
    const tiling = { tileSampleMinSize: 512 };
    assert.ok(peak('decode', { tiling }) < 1.3);
    assert.ok(peak('encode', { tiling }) < 1);
  });

  it("is the same in diffusers' tiles, which are as large as the picture", () => {
    assert.equal(peak('decode', { tiling: {} }), peak('decode', {}));
  });
});

describe('tileCuts', () => {
  const { config } = modelCase('vae-sd1'); // four pixels a position
  const at = (sample_size: unknown) => vaeConfig({ ...config, sample_size });

  it("has diffusers' sizes for SDXL's pictures", () => {
    assert.deepEqual(tileCuts(at(1024), {}), {
      encoded: { size: 1024, step: 768, blend: 64, kept: 192 },
      decoded: { size: 256, step: 192, blend: 256, kept: 768 },
    });
    assert.deepEqual(tileCuts(at([1024, 512]), {}), tileCuts(at(1024), {}));
  });

  it('takes the latent size from the size in pixels where only that is given', () => {
    assert.deepEqual(
      tileCuts(at(64), { tileSampleMinSize: 512 }),
      tileCuts(at(512), { tileLatentMinSize: 128 }),
    );
  });

  it('refuses tiles without an end', () => {
    const refused: [TileOptions, RegExp][] = [
      [{ tileOverlapFactor: 1 }, /^tileOverlapFactor is 1; it must be from 0 to below 1\.$/],
      [{ tileOverlapFactor: -0.1 }, /^tileOverlapFactor is -0\.1/],
      [
        { tileSampleMinSize: 4 },
        /^tileLatentMinSize is 1; it must be a whole number of which 0\.75/,
      ],
      [{ tileSampleMinSize: 9.5 }, /^tileSampleMinSize is 9\.5/],
      [{ tileLatentMinSize: Number.NaN }, /^tileLatentMinSize is NaN/],
    ];
    for (const [options, message] of refused)
      assert.throws(() => tileCuts(at(64), options), { name: 'RangeError', message });
  });
});
