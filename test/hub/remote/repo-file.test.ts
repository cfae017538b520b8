import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { repoFileName } from '../../../src/hub/remote/file-names';
import { planDownload } from '../../../src/hub/remote/plan-download';
import { resolve } from '../../../src/hub/remote/resolve';
import { HASTY, noise, pipelineContents, withHub } from '../../support/with-hub';

const NAME = 'someone/small-model';
const FILE = `${NAME}/v1-5-pruned.ckpt`;

describe('repoFileName', () => {
  it('reads names and addresses as diffusers’ from_single_file does', () => {
    const file = { repo: 'a/b', file: 'c/d.safetensors', revision: undefined };
    assert.deepEqual(repoFileName('a/b/c/d.safetensors'), file);
    for (const address of [
      'https://huggingface.co/',
      'huggingface.co/',
      'hf.co/',
      'https://hf.co/',
    ])
      assert.deepEqual(repoFileName(`${address}a/b/c/d.safetensors`), file);
    const told = { ...file, revision: 'main' };
    assert.deepEqual(repoFileName('https://huggingface.co/a/b/blob/main/c/d.safetensors'), told);
    assert.deepEqual(repoFileName('a/b/resolve/main/c/d.safetensors'), told);
    assert.deepEqual(repoFileName('a/b/v1-5.ckpt'), { ...file, file: 'v1-5.ckpt' });
  });

  it('takes nothing else for one', () => {
    const others = ['a/b', 'a/b/c', 'a/b.safetensors', '/a/b/c.safetensors', './a/b.safetensors'];
    const bad = ['a/b/../c.safetensors', 'a--b/c/d.ckpt', 'https://example.org/a/b/c.safetensors'];
    for (const text of [...others, ...bad, '../a/b/c.safetensors'])
      assert.equal(repoFileName(text), undefined, text);
  });
});

describe('resolve, of one file', () => {
  it('fetches it alone, at the revision of its address before that of the options', () =>
    withHub(async ({ hub, options }) => {
      const first = hub.add(NAME, pipelineContents());
      const second = hub.add(NAME, { 'v1-5-pruned.ckpt': noise(3000, 7) });
      const seen: string[] = [];
      const onSource = ({ commit }: { commit: string }) => seen.push(commit);
      const asked = { ...options, onSource };
      const { path, files, source } = await resolve(FILE, asked);
      assert.deepEqual(files, [path]);
      assert.ok(path.endsWith(join(second, 'v1-5-pruned.ckpt')));
      assert.equal(source?.commit, second);
      assert.equal(hub.bytesSent, 3000);
      const old = `https://huggingface.co/${NAME}/blob/${first}/v1-5-pruned.ckpt`;
      const before = await resolve(old, { ...asked, revision: 'main' });
      assert.ok(before.path.endsWith(join(first, 'v1-5-pruned.ckpt')));
      await resolve(FILE, { ...asked, network: 'offline' });
      assert.deepEqual(seen, [second, first, second]);
      await assert.rejects(
        resolve(`${NAME}/none.safetensors`, options),
        /The repository has no file "none\.safetensors"/,
      );
    }));
});

describe('planDownload', () => {
  it('tells the files that resolve would bring, and what the cache lacks of them', () =>
    withHub(async ({ hub, options, cacheDir }) => {
      const commit = hub.add(NAME, pipelineContents());
      const plan = await planDownload(NAME, options);
      assert.deepEqual(
        hub.asked.filter(({ host }) => host === 'cdn'),
        [],
      );
      const { path, files } = await resolve(NAME, options);
      const names = (found: readonly { readonly path: string }[] = []) =>
        found.map((file) => file.path).sort();
      assert.deepEqual(names(plan?.files), files.map((file) => relative(path, file)).sort());
      assert.equal(plan?.source.commit, commit);
      const weights = 3 * 2000; // of text encoder, denoiser and autoencoder
      const small = plan?.files.reduce((sum, { size }) => sum + size, 0) ?? 0;
      const index = plan?.files.find((file) => file.path === 'model_index.json')?.size ?? 0;
      assert.ok(small > weights);
      assert.equal(plan?.missingBytes, small - index);
      assert.equal((await planDownload(NAME, options))?.missingBytes, 0);
      const one = await planDownload(FILE, options);
      assert.deepEqual(one?.files, [{ path: 'v1-5-pruned.ckpt', size: 5000 }]);
      assert.equal(one?.missingBytes, 5000);
      assert.equal(await planDownload(cacheDir, options), undefined);
    }));

  it('looks into the cache where the hub cannot be asked', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      const off = { ...options, network: 'offline' } as const;
      const absent = new RegExp(`^HubError: ${NAME} is not in the cache .*HF_HUB_OFFLINE`);
      await assert.rejects(planDownload(NAME, off), absent);
      const online = await planDownload(NAME, options);
      await assert.rejects(planDownload(NAME, off), /is not in the cache|is there only in part/);
      await resolve(NAME, options);
      const kept = await planDownload(NAME, off);
      const sizes = (plan: typeof kept) =>
        Object.fromEntries((plan?.files ?? []).map((file) => [file.path, file.size]));
      assert.deepEqual(sizes(kept), sizes(online));
      assert.equal(kept?.missingBytes, 0);
      await hub.close();
      assert.deepEqual(await planDownload(NAME, { ...options, patience: HASTY }), kept);
      const other = planDownload('someone/other', { ...options, patience: HASTY });
      await assert.rejects(other, /^HubError: 127\.0\.0\.1:\d+ cannot be reached/);
    }));

  it('does not take descriptions without weights for a model', () =>
    withHub(async ({ hub, options }) => {
      hub.add(NAME, pipelineContents());
      await resolve(NAME, { ...options, files: ['model_index.json', '*/*.json', '*/*.txt'] });
      const off = { ...options, network: 'offline' } as const;
      await assert.rejects(resolve(NAME, off), /only in part \(The repository has no weights of "/);
    }));
});
