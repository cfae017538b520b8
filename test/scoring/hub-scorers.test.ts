import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tensorCount } from '../../src/engine';
import { loadSelector } from '../../src/scoring';
import { assertClose } from '../support/assert';
import type { MockHub } from '../support/mock-hub';
import {
  HPS_FILE,
  OPEN_CLIP_FOLDER,
  selectorFixture as python,
  selectorPictures,
  TINY_CLIP,
} from '../support/scoring';
import { contentsOf, noise, withHub } from '../support/with-hub';

const CLIP_H = 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K';
const read = (folder: string, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));

/** Tokenizer and image processor, as that repository has them. */
const processor = () => ({
  ...read(TINY_CLIP, 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'),
  'merges.txt': '#version: 0.2',
});

/** Names of the files whose bytes the hub sent, each once. */
const sent = ({ asked }: MockHub) =>
  [...new Set(asked.filter((file) => file.sent > 0).map(({ path }) => basename(path)))].sort();

describe('scorers of the hub', () => {
  it('load by their names, with the commit in their identity and a processor of elsewhere', () =>
    withHub(async ({ hub, options }) => {
      const before = tensorCount();
      const weights = read(TINY_CLIP, 'config.json', 'model.safetensors');
      const commit = hub.add('yuvalkirstain/PickScore_v1', {
        ...weights,
        'pytorch_model.bin': noise(5000),
      });
      hub.add(CLIP_H, { ...processor(), 'pytorch_model.bin': noise(5000) });
      const there = await loadSelector('pickscore', options);
      const here = await loadSelector('pickscore', { weights: TINY_CLIP });
      assert.deepEqual(there.identity, { ...here.identity, revision: commit });
      const [image] = await selectorPictures();
      assert.ok(image);
      assert.deepEqual(there.score([image], 'a cat'), here.score([image], 'a cat'));
      assert.equal(hub.asked.filter(({ path }) => path.endsWith('pytorch_model.bin')).length, 0);
      for (const selector of [here, there]) selector.dispose();
      assert.equal(tensorCount(), before);
    }));

  it("take OpenCLIP's weights of a repository that has both layouts, also without the network", () =>
    withHub(async ({ hub, options }) => {
      const openClip = contentsOf(OPEN_CLIP_FOLDER);
      hub.add(CLIP_H, { ...processor(), ...openClip, 'pytorch_model.bin': noise(5000) });
      const images = await selectorPictures();
      for (const network of ['online', 'offline'] as const) {
        const selector = await loadSelector('clip', { ...options, network });
        const scores = selector.scoreMany(images, python.prompts);
        assertClose(scores, python.clip, { rtol: 0, atol: 1e-5 });
        selector.dispose();
      }
      assert.ok(!hub.asked.some(({ path }) => path.endsWith('pytorch_model.bin')));
    }));

  it('take what the cache has where the hub cannot be reached, under whichever name it was', () =>
    withHub(async ({ hub, options }) => {
      const config = read(dirname(HPS_FILE), 'open_clip_config.json');
      const weights = { 'open_clip_pytorch_model.bin': readFileSync(HPS_FILE) };
      hub.add('someone/clip', { ...processor(), ...config, ...weights });
      const first = await loadSelector('clip', { ...options, weights: 'someone/clip' });
      await hub.close();
      const notes: string[] = [];
      const onNote = (note: string) => notes.push(note);
      const again = await loadSelector('clip', { ...options, weights: 'someone/clip', onNote });
      assert.deepEqual(again.identity, first.identity);
      assert.match(notes.join(), /Using the copy of someone\/clip in the cache/);
      for (const selector of [first, again]) selector.dispose();
    }));

  it('fetch one version of HPS alone, and refuse it where it is no ViT-H-14', () =>
    withHub(async ({ hub, options }) => {
      const file = readFileSync(HPS_FILE);
      hub.add('xswu/HPSv2', {
        'HPS_v2_compressed.pt': file,
        'HPS_v2.1_compressed.pt': noise(9000),
      });
      hub.add(CLIP_H, { ...processor(), 'pytorch_model.bin': noise(5000) });
      await assert.rejects(
        loadSelector('hps', options),
        /HPS_v2_compressed\.pt: .*the model expects \[49408,1024\]/,
      );
      assert.ok(!sent(hub).some((name) => name.includes('v2.1')), sent(hub).join());
    }));
});
