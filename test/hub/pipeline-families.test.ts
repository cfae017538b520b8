import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { tensorCount } from '../../src/engine';
import { disposePipeline, loadPipeline, type Pipeline, savePipeline } from '../../src/hub';
import { FAMILIES, FAMILY_NAMES, familyPath } from '../support/families';
import { fixturePath, tensorFixture } from '../support/fixtures';
import { inTemporaryFolder } from '../support/temporary';

type Family = keyof typeof FAMILIES;

async function withPipeline(dir: string, use: (pipeline: Pipeline) => Promise<void> | void) {
  const pipeline = await loadPipeline(dir);
  try {
    await use(pipeline);
  } finally {
    disposePipeline(pipeline);
  }
}

/** Hashes of the tensors of all weight files, under the names that transformers 5 writes. */
function tensorsOf(dir: string): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const part of readdirSync(dir, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    for (const file of readdirSync(join(dir, part.name)).filter((f) => f.endsWith('.safetensors')))
      for (const [name, { shape, data }] of tensorFixture(
        relative(fixturePath(), join(dir, part.name, file)),
      )) {
        const hash = createHash('sha256').update(JSON.stringify(shape)).update(data).digest('hex');
        const plain = part.name === 'text_encoder' ? name.replace(/^text_model\./, '') : name;
        all.set(`${part.name}/${plain}`, hash);
      }
  }
  return all;
}

const json = (...names: string[]) => JSON.parse(readFileSync(join(...names), 'utf8'));

describe('loadPipeline, of every family', () => {
  const TOLD = { 0: 'none', 6: 'sizes', 5: 'sizes and score' } as const;

  for (const name of FAMILY_NAMES)
    it(`reads what its model_index.json names: ${name}`, () =>
      withPipeline(familyPath(name), ({ conditioning, textEncoder, textEncoder2, tokenizer }) => {
        const { numbers } = FAMILIES[name];
        assert.equal(conditioning?.added, TOLD[numbers]);
        assert.equal(textEncoder2 !== undefined, numbers === 6);
        assert.equal(textEncoder.config.projectionDim !== undefined, numbers === 5);
        const padded = numbers === 6 ? tokenizer.eosId : tokenizer.definition.vocab.get('!');
        assert.equal(tokenizer.padId, padded);
      }));

  it('reads whether zeros stand for a negative prompt that is not given', async () => {
    const found: (string | undefined)[] = [];
    for (const name of ['sdxl', 'turbo', 'refiner', 'refiner-wide'] as const)
      await withPipeline(familyPath(name), ({ conditioning }) => {
        found.push(conditioning?.noPrompt);
      });
    assert.deepEqual(found, ['zeros', 'empty text', 'empty text', 'zeros']);
  });
});

describe('savePipeline, of every family', () => {
  for (const name of FAMILY_NAMES)
    it(`writes what it read, bit for bit: ${name}`, () =>
      inTemporaryFolder(async (folder) => {
        const [source, saved] = [familyPath(name), join(folder, 'saved')];
        await withPipeline(source, (pipeline) => savePipeline(pipeline, saved, { dtype: 'F16' }));
        assert.deepEqual(tensorsOf(saved), tensorsOf(source));
        for (const part of readdirSync(source).filter((p) =>
          existsSync(join(source, p, 'config.json')),
        ))
          assert.deepEqual(json(saved, part, 'config.json'), json(source, part, 'config.json'));
        assert.deepEqual(json(saved, 'model_index.json'), json(source, 'model_index.json'));
        assert.deepEqual(readdirSync(saved).sort(), readdirSync(source).sort());
        await withPipeline(saved, ({ tokenizer, tokenizer2 }) =>
          withPipeline(source, (before) => {
            const texts = ['the red cat !!', ''];
            assert.deepEqual(tokenizer.encode(texts), before.tokenizer.encode(texts));
            assert.deepEqual(tokenizer2?.encode(texts), before.tokenizer2?.encode(texts));
          }),
        );
      }));
});

describe('an SDXL folder that cannot be trusted', () => {
  function refuses(fault: string, name: Family, reason: RegExp, spoil: (dir: string) => void) {
    it(`is refused: ${fault}`, () =>
      inTemporaryFolder(async (folder) => {
        const dir = join(folder, 'model');
        cpSync(familyPath(name), dir, { recursive: true });
        spoil(dir);
        const tensors = tensorCount();
        await assert.rejects(loadPipeline(dir), reason);
        assert.equal(tensorCount(), tensors, 'weights left in memory');
      }));
  }

  const indexWith = (change: Record<string, unknown>) => (dir: string) => {
    const path = join(dir, 'model_index.json');
    writeFileSync(path, JSON.stringify({ ...json(path), ...change }));
  };
  const unetOf = (other: Family) => (dir: string) => {
    rmSync(join(dir, 'unet'), { recursive: true });
    cpSync(join(familyPath(other), 'unet'), join(dir, 'unet'), { recursive: true });
  };

  refuses(
    'another pipeline',
    'sdxl',
    /its class is "FluxPipeline".*StableDiffusionPipeline, StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline/,
    indexWith({ _class_name: 'FluxPipeline' }),
  );
  refuses(
    'no second text encoder',
    'sdxl',
    /"text_encoder_2" is missing/,
    indexWith({ text_encoder_2: [null, null] }),
  );
  refuses(
    'a text encoder without its tokenizer',
    'sdxl',
    /"text_encoder" and "tokenizer" belong together/,
    indexWith({ tokenizer: [null, null] }),
  );
  refuses(
    'a UNet for other text encoders',
    'sdxl',
    /reads text states 12 wide, .* make them 20 wide/,
    unetOf('refiner'),
  );
  refuses(
    'a UNet that is told other numbers',
    'refiner',
    /is told 30 numbers beside the text states, but the pipeline makes 34/,
    indexWith({ requires_aesthetics_score: false }),
  );
  refuses(
    'a second text encoder without a projection',
    'sdxl',
    /text_encoder_2.*text_projection\.weight/,
    (dir) => {
      const path = join(dir, 'text_encoder_2');
      cpSync(
        join(familyPath('sd2'), 'text_encoder', 'model.safetensors'),
        join(path, 'model.safetensors'),
      );
    },
  );
});
