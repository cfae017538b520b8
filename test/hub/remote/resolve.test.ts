import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { type ResolveOptions, resolve } from '../../../src/hub/remote/resolve';
import { gitOid, sha256 } from '../../support/mock-hub-store';
import { noise, pipelineContents, withHub } from '../../support/with-hub';

const NAME = 'someone/small-model';

async function names(options: ResolveOptions): Promise<string[]> {
  const { path, files } = await resolve(NAME, options);
  return files.map((file) => relative(path, file)).sort();
}

describe('resolve', () => {
  it('takes what is on the disk as it is, and asks nobody', () =>
    withHub(async ({ hub, folder, options }) => {
      const model = join(folder, 'model');
      mkdirSync(join(model, 'unet'), { recursive: true });
      writeFileSync(join(model, 'unet', 'a.bin'), 'x');
      assert.equal((await resolve(model, options)).path, model);
      assert.equal(
        (await resolve(join(model, 'unet', 'a.bin'))).path,
        join(model, 'unet', 'a.bin'),
      );
      const { path, files } = await resolve(model, { subfolder: 'unet', files: ['a.bin'] });
      assert.deepEqual([path, files], [join(model, 'unet'), [join(model, 'unet', 'a.bin')]]);
      await assert.rejects(resolve(model, { files: ['b.bin'] }), /has no "b\.bin"/);
      assert.equal(hub.asked.length, 0);
    }));

  it('refuses in one sentence what is neither a path nor owner/name', async () => {
    for (const name of [
      'no-such',
      'a/b/c',
      '../x/y',
      '/no/such',
      'a--b/c',
      '-a/b',
      'a/b.git',
      'a/..',
      'a b/c',
      '',
    ])
      await assert.rejects(resolve(name), {
        name: 'RangeError',
        message: `${JSON.stringify(name)} is no folder or file here, and no name on the hub; give a path, or owner/name.`,
      });
    for (const revision of ['../x', 'a..b', '/x', 'x/', 'a b', '%2e', '-', 'x.lock'].filter(
      (x) => x !== '-',
    ))
      await assert.rejects(resolve('a/b', { revision }), /is no revision/);
    await assert.rejects(resolve('a/b', { subfolder: '../x' }), /leads out of its folder/);
  });

  it('downloads one set of weights of each part, into the layout of Python', () =>
    withHub(async ({ hub, cacheDir, options }) => {
      const commit = hub.add(NAME, pipelineContents());
      const { path, files, source } = await resolve(NAME, options);
      const root = join(cacheDir, 'models--someone--small-model');
      assert.equal(path, join(root, 'snapshots', commit));
      assert.deepEqual(source, { repo: { type: 'model', name: NAME }, revision: 'main', commit });
      assert.deepEqual(files.map((file) => relative(path, file)).sort(), [
        'model_index.json',
        'scheduler/scheduler_config.json',
        'text_encoder/config.json',
        'text_encoder/model.safetensors',
        'tokenizer/merges.txt',
        'tokenizer/vocab.json',
        'unet/config.json',
        'unet/diffusion_pytorch_model.safetensors',
        'vae/config.json',
        'vae/diffusion_pytorch_model.safetensors',
      ]);
      const config = join(path, 'unet', 'config.json');
      assert.equal(readlinkSync(config), `../../../blobs/${gitOid(Buffer.from('{"b": 2}'))}`);
      const weights = join(path, 'unet', 'diffusion_pytorch_model.safetensors');
      assert.equal(readlinkSync(weights), `../../../blobs/${sha256(noise(2000, 20))}`);
      assert.deepEqual(readFileSync(weights), noise(2000, 20));
      assert.equal(readFileSync(join(root, 'refs', 'main'), 'utf8'), commit);
      assert.equal(readdirSync(join(root, 'blobs')).length, 9); // two configs are both {}
      assert.ok(lstatSync(config).isSymbolicLink());
    }));

  it('takes the variant that is asked for, and says which there are', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      const chosen = await names({ ...options, variant: 'fp16' });
      assert.deepEqual(
        chosen.filter((name) => /safetensors|bin/.test(name)),
        ['text_encoder/model', 'unet/diffusion_pytorch_model', 'vae/diffusion_pytorch_model'].map(
          (n) => `${n}.fp16.safetensors`,
        ),
      );
      assert.equal(hub.asked.filter(({ host }) => host === 'cdn').length, 3);
      await assert.rejects(
        resolve(NAME, { ...options, variant: 'bf16' }),
        /no weights of the variant "bf16"; it has fp16, non_ema\./,
      );
    }));

  it('takes subfolders, files and revisions', () =>
    withHub(async ({ hub, options }) => {
      const first = hub.add(NAME, pipelineContents());
      hub.store.commit(NAME, { 'unet/config.json': '{"b": 3}' }, { branch: 'refs/pr/1' });
      const second = hub.add(NAME, { 'unet/config.json': '{"b": 4}' });
      assert.deepEqual(await names({ ...options, subfolder: 'unet' }), [
        'config.json',
        'diffusion_pytorch_model.safetensors',
      ]);
      assert.deepEqual(await names({ ...options, files: ['*.ckpt', 'vae/*.bin'] }), [
        'v1-5-pruned.ckpt',
        'vae/diffusion_pytorch_model.bin',
        'vae/diffusion_pytorch_model.fp16.bin',
      ]);
      const read = async (revision: string) => {
        const { files } = await resolve(NAME, {
          ...options,
          revision,
          files: ['unet/config.json'],
        });
        return readFileSync(files[0] ?? '', 'utf8');
      };
      assert.equal(await read(first), '{"b": 2}');
      assert.equal(await read('main'), '{"b": 4}');
      assert.equal((await resolve(NAME, { ...options, subfolder: 'vae' })).source?.commit, second);
      await assert.rejects(read('v2'), /someone\/small-model has no such revision \(404\)/);
      await assert.rejects(resolve(NAME, { ...options, files: ['x.bin'] }), /has no file "x\.bin"/);
    }));

  it('asks for nothing twice, and for two requests where nothing is new', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      await resolve(NAME, options);
      const before = hub.asked.length;
      await resolve(NAME, options);
      assert.deepEqual(
        hub.asked.slice(before).map(({ path }) => /revision|tree|resolve/.exec(path)?.[0]),
        ['revision', 'tree'],
      );
    }));

  it('reads the lists of large repositories page by page, and no page of another host', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      hub.pageSize = 4;
      assert.equal((await names(options)).length, 10);
      hub.nextPageAt = hub.cdnOrigin;
      await assert.rejects(
        names(options),
        /goes on at http:\/\/127\.0\.0\.1:\d+, which is another host/,
      );
      assert.equal(
        hub.asked.filter(({ host, path }) => host === 'cdn' && /tree/.test(path)).length,
        0,
      );
    }));

  it('works without the network from what is in the cache, and opens no connection', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      await assert.rejects(
        resolve(NAME, { ...options, network: 'offline' }),
        /small-model is not in the cache \(.*\), and the network is off \(HF_HUB_OFFLINE\)\.$/,
      );
      const online = await names(options);
      const before = hub.asked.length;
      const env = { ...options.env, HF_HUB_OFFLINE: '1' };
      assert.deepEqual(await names({ ...options, env }), online);
      await assert.rejects(
        names({ ...options, env, variant: 'fp16' }),
        /is there only in part \(The repository has no weights of the variant "fp16"\) in the cache/,
      );
      assert.equal(hub.asked.length, before);
    }));

  it('uses the cache where the hub cannot be reached, and says so', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      const online = await names(options);
      const notes: string[] = [];
      const env = { ...options.env, HF_ENDPOINT: 'http://127.0.0.1:9' };
      const onNote = (note: string) => notes.push(note);
      assert.deepEqual(await names({ ...options, env, onNote }), online);
      assert.match(
        notes.join(),
        /127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\).* Using the copy of someone\/small-model in the cache/,
      );
      await assert.rejects(resolve('someone/other', { ...options, env }), /cannot be reached/);
    }));

  it('keeps the older whole snapshot for offline use until the new one is whole', () =>
    withHub(async ({ hub, options }) => {
      const first = hub.add(NAME, pipelineContents());
      await resolve(NAME, options);
      hub.add(NAME, { 'unet/diffusion_pytorch_model.safetensors': noise(3000, 7) });
      hub.fail('flipped bit', { times: 99, path: /unet/ });
      await assert.rejects(resolve(NAME, options), /came damaged 3 times/);
      const offline = await resolve(NAME, { ...options, network: 'offline' });
      assert.equal(offline.source?.commit, first);
    }));

  it('replaces a blob of the wrong size, which a client without checks has left', () =>
    withHub(async ({ hub, cacheDir, options }) => {
      hub.add(NAME, { 'config.json': '{}', 'model.safetensors': noise(500) });
      await resolve(NAME, options);
      const blob = join(cacheDir, 'models--someone--small-model', 'blobs', sha256(noise(500)));
      rmSync(blob);
      writeFileSync(blob, 'half');
      const { path } = await resolve(NAME, options);
      assert.deepEqual(readFileSync(join(path, 'model.safetensors')), noise(500));
    }));

  it('tells how far it is', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      let last: unknown;
      await resolve(NAME, {
        ...options,
        onProgress: (progress) => {
          last = progress;
        },
      });
      const { bytes, totalBytes, files, totalFiles } = last as Record<string, number>;
      assert.deepEqual([bytes, files], [totalBytes, totalFiles]);
      assert.equal(totalFiles, 10);
    }));

  it('stops when it is told to, and goes on from there', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, { 'config.json': '{}', 'model.safetensors': noise(100_000) });
      hub.fail('slow', { path: /safetensors/ });
      const control = new AbortController();
      const onProgress = ({ bytes }: { bytes: number }) => bytes > 20_000 && control.abort();
      await assert.rejects(resolve(NAME, { ...options, onProgress, signal: control.signal }), {
        name: 'AbortError',
      });
      const before = hub.asked.length;
      await resolve(NAME, options);
      const [range] = hub.asked.slice(before).flatMap((asked) => asked.range ?? []);
      assert.ok(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]) >= 20_000, range);
    }));
});
