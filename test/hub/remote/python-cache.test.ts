import assert from 'node:assert/strict';
import { cpSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { RepoCache } from '../../../src/hub/remote/cache-layout';
import { resolve } from '../../../src/hub/remote/resolve';
import { fixturePath } from '../../support/fixtures';
import { inTemporaryFolder } from '../../support/temporary';
import { withHub } from '../../support/with-hub';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const NAME = 'someone/tiny';
const offline = (cacheDir: string) => ({ cacheDir, network: 'offline', env: {} }) as const;

describe("a cache that Python's huggingface_hub has made", () => {
  it('is read without the network', async () => {
    const { path, files, source } = await resolve(NAME, offline(fixturePath('hub-cache')));
    assert.equal(source?.commit, COMMIT);
    assert.deepEqual(files.map((file) => relative(path, file)).sort(), [
      'model_index.json',
      'scheduler/scheduler_config.json',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    const weights = readFileSync(join(path, 'unet', 'diffusion_pytorch_model.safetensors'));
    assert.deepEqual([...weights.subarray(0, 3)], [0, 1, 2]);
    const byCommit = await resolve(NAME, {
      ...offline(fixturePath('hub-cache')),
      revision: COMMIT,
    });
    assert.deepEqual(byCommit.files, files);
  });

  it('tells what a repository is known not to have', async () => {
    const cache = new RepoCache(fixturePath('hub-cache'), { type: 'model', name: NAME });
    assert.ok(await cache.isKnownAbsent(COMMIT, 'unet/absent.json'));
    assert.ok(!(await cache.isKnownAbsent(COMMIT, 'unet/config.json')));
  });

  it('without one of its blobs is said to be there only in part', () =>
    inTemporaryFolder(async (folder) => {
      cpSync(fixturePath('hub-cache'), folder, { recursive: true, verbatimSymlinks: true });
      const { path } = await resolve(NAME, offline(folder));
      const cache = new RepoCache(folder, { type: 'model', name: NAME });
      rmSync(cache.blob('40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880'));
      await assert.rejects(
        resolve(NAME, { ...offline(folder), files: ['unet/diffusion_pytorch_model.safetensors'] }),
        /someone\/tiny is there only in part \(The repository has no file "unet\/diffusion_pytorch_model\.safetensors"\)/,
      );
      assert.ok(path.startsWith(folder));
    }));

  it('is written by this program byte for byte alike, but for the list that only Python keeps', () =>
    withHub(async ({ hub, cacheDir, options }) => {
      const snapshot = fixturePath('hub-cache', 'models--someone--tiny', 'snapshots', COMMIT);
      const names = ['model_index.json', 'scheduler/scheduler_config.json', 'unet/config.json'];
      const files = [...names, 'unet/diffusion_pytorch_model.safetensors'];
      const read = (name: string) => [name, readFileSync(join(snapshot, name))] as const;
      const commit = hub.add(NAME, Object.fromEntries(files.map(read)));
      await resolve(NAME, options);
      await assert.rejects(resolve(NAME, { ...options, files: ['unet/absent.json'] }));
      const tree = (root: string) => treeOf(join(root, 'models--someone--tiny'));
      const ours = tree(cacheDir).map((line) => line.replaceAll(commit, COMMIT));
      const theirs = tree(fixturePath('hub-cache')).filter((line) => !/^trees/.test(line));
      assert.deepEqual(ours, theirs);
    }));
});

/** Every entry with what is in it: `path -> link` or `path: bytes`. */
function treeOf(root: string): string[] {
  return readdirSync(root, { recursive: true })
    .map(String)
    .sort()
    .flatMap((name) => {
      const stats = lstatSync(join(root, name));
      if (stats.isDirectory()) return [];
      if (stats.isSymbolicLink()) return [`${name} -> ${readlinkSync(join(root, name))}`];
      return [`${name}: ${readFileSync(join(root, name), 'latin1')}`];
    });
}
