import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertArgs } from '../../src/cli/convert-args';
import { convertModel } from '../../src/cli/convert-model';
import { drawToFiles } from '../../src/cli/draw';
import { sampleArgs } from '../../src/cli/sample-args';
import { readPngText } from '../../src/data/read-png-text';
import { tensorCount } from '../../src/engine';
import { openSafetensors, writeSafetensors } from '../../src/hub';
import { familyPath } from '../support/families';
import { fixturePath } from '../support/fixtures';
import { describedFolder } from '../support/single-file';
import { contentsOf, type HubTrial, inEnvironment, noise, withHub } from '../support/with-hub';

const SD2 = familyPath('sd2');
const KOHYA = fixturePath('lora', 'kohya-sd2.safetensors');
const SMALL = ['--prompt', 'a red cat', '--seed', '3', '--steps', '2', '--height', '16'];

async function draw(folder: string, ...argv: readonly string[]) {
  const output = join(folder, `${Math.random()}.png`);
  await drawToFiles(sampleArgs([...argv, ...SMALL, '--width', '16', '--output', output]));
  const png = readFileSync(output);
  const settings = JSON.parse(new Map(readPngText(png)).get('settings') ?? '');
  return { pixels: png.subarray(png.indexOf('IDAT')), settings };
}

const onHub = (use: (trial: HubTrial) => Promise<void>) =>
  withHub((trial) => inEnvironment(trial.options.env, () => use(trial)));

/** The autoencoder of a file of the original layout in a file of its own, as published ones are. */
async function withoutPrefix(from: string, to: string): Promise<void> {
  const prefix = 'first_stage_model.';
  const file = await openSafetensors(from);
  const inside = [...file.entries.values()].filter(({ name }) => name.startsWith(prefix));
  const tensors = await Promise.all(
    inside.map(async (entry) => ({
      ...entry,
      name: entry.name.slice(prefix.length),
      data: await file.read(entry.name),
    })),
  );
  await file.close();
  await writeSafetensors(to, tensors);
}

describe('the flags of the hub', () => {
  it('draw from a name, its revision and variant, kept in a cache of its own; the picture tells the commit', () =>
    onHub(async ({ hub, folder }) => {
      const before = tensorCount();
      const files = Object.entries(contentsOf(SD2)).flatMap(([name, bytes]) =>
        name.endsWith('.safetensors')
          ? [[name, noise(100)] as const, [name.replace('.s', '.fp16.s'), bytes] as const]
          : [[name, bytes] as const],
      );
      const first = hub.add('someone/sd2', Object.fromEntries(files));
      hub.add('someone/sd2', { 'unet/config.json': '[]' }); // main is damaged since
      const [here, cache] = [await draw(folder, '--model', SD2), join(folder, 'kept')];
      const named = ['--model', 'someone/sd2', '--cache_dir', cache];
      const there = await draw(folder, ...named, '--revision', first, '--variant', 'fp16');
      assert.deepEqual(there.pixels, here.pixels);
      const { model, hub: commits, variant } = there.settings;
      assert.deepEqual([model, variant], ['someone/sd2', 'fp16']);
      assert.deepEqual(commits, { 'someone/sd2': first });
      assert.ok(!('hub' in here.settings));
      assert.ok(existsSync(join(cache, 'models--someone--sd2', 'snapshots', first)));
      assert.ok(!existsSync(join(folder, 'cache', 'hub')));
      await assert.rejects(draw(folder, ...named, '--variant', 'fp16'), /unet.config\.json/);
      assert.equal(tensorCount(), before);
    }));

  it('draw from single files of the hub: a model, a denoiser, an autoencoder, an adapter', () =>
    onHub(async ({ hub, folder }) => {
      const whole = join(folder, 'whole.safetensors');
      await convertModel(convertArgs([SD2, whole]));
      const bare = join(folder, 'vae.safetensors');
      await withoutPrefix(whole, bare);
      const commit = hub.add('someone/files', {
        'whole.safetensors': readFileSync(whole),
        'vae/old.safetensors': readFileSync(bare),
        'kohya.safetensors': readFileSync(KOHYA),
        ...contentsOf(join(SD2, 'unet'), 'unet/'),
      });
      hub.add('someone/sd2', contentsOf(SD2));
      const unet = Object.keys(contentsOf(join(SD2, 'unet'))).find((name) => /tensors$/.test(name));
      const plain = await draw(folder, '--model', SD2);
      const single = ['--model', 'someone/files/whole.safetensors', '--config', SD2];
      assert.deepEqual((await draw(folder, ...single)).pixels, plain.pixels);
      for (const vae of [whole, bare, 'someone/files/vae/old.safetensors']) {
        const drawn = await draw(folder, '--model', 'someone/sd2', '--vae', vae);
        assert.deepEqual(drawn.pixels, plain.pixels, vae);
      }
      for (const from of [whole, `someone/files/unet/${unet}`])
        assert.deepEqual((await draw(folder, '--model', SD2, '--unet', from)).pixels, plain.pixels);
      const adapted = await draw(folder, '--model', SD2, '--lora', KOHYA);
      const lora = ['--lora', 'someone/files/kohya.safetensors'];
      const named = await draw(folder, '--model', SD2, ...lora);
      assert.deepEqual(named.pixels, adapted.pixels);
      assert.notDeepEqual(adapted.pixels, plain.pixels);
      assert.deepEqual(named.settings.lora, ['someone/files/kohya.safetensors:1']);
      assert.deepEqual(named.settings.hub, { 'someone/files': commit });
      const parts = hub.asked.filter(({ path }) => /sd2\/resolve.*vae.*safetensors/.test(path));
      assert.deepEqual(parts, [], 'weights that others take the place of');
    }));

  it('refuse a file of another part, by the tensors that are missing in it', () =>
    onHub(async ({ folder }) => {
      const before = tensorCount();
      const unet = Object.keys(contentsOf(join(SD2, 'unet'))).find((name) => /tensors$/.test(name));
      const wrong = ['--model', SD2, '--vae', join(SD2, 'unet', unet ?? '')];
      await assert.rejects(draw(folder, ...wrong), /encoder\.conv_in/);
      await assert.rejects(draw(folder, '--model', SD2, '--unet', KOHYA), /conv_in/);
      assert.equal(tensorCount(), before);
    }));

  it('convert a revision of a name', () =>
    onHub(async ({ hub, folder }) => {
      const first = hub.add('someone/sd2', contentsOf(SD2));
      hub.add('someone/sd2', { 'unet/config.json': '{}' });
      const [out, cache] = [join(folder, 'out'), join(folder, 'kept')];
      const where = ['--revision', first, '--cache_dir', cache];
      await convertModel(convertArgs(['someone/sd2', out, ...where]));
      assert.deepEqual(await describedFolder(out), await describedFolder(SD2));
      assert.ok(existsSync(join(cache, 'models--someone--sd2')));
    }));
});
