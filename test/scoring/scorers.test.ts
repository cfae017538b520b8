import assert from 'node:assert/strict';
import type { RgbImage } from '../../src/data/image';
import { tensorCount } from '../../src/engine';
import { type LoadedSelector, loadSelector, type SelectorOptions } from '../../src/scoring';
import { assertClose, assertNoLeak } from '../support/assert';
import {
  AESTHETIC_HEAD,
  HPS_FILE,
  IMAGE_REWARD_FOLDER,
  OPEN_CLIP_FOLDER,
  selectorFixture as python,
  selectorPictures,
  TINY_CLIP,
} from '../support/scoring';

describe('the scorers', () => {
  let images: RgbImage[];
  before(async () => {
    images = await selectorPictures();
  });

  async function withSelector(
    name: string,
    options: SelectorOptions,
    use: (selector: LoadedSelector) => void,
  ) {
    const before = tensorCount();
    const selector = await loadSelector(name, { batchSize: 11, ...options });
    assertNoLeak(() => use(selector));
    selector.dispose();
    assert.equal(tensorCount(), before);
  }

  it("give the original's CLIP score with a model of open_clip", () =>
    withSelector('clip', { weights: OPEN_CLIP_FOLDER, processor: TINY_CLIP }, (selector) => {
      const scores = selector.scoreMany(images, python.prompts);
      assertClose(scores, python.clip, { rtol: 0, atol: 1e-5 });
    }));

  for (const torchvision of ['current', 'before 0.17'] as const)
    it(`give HPS from a checkpoint of training, torchvision ${torchvision}`, () => {
      const options = { weights: HPS_FILE, processor: TINY_CLIP, torchvision };
      return withSelector('hps', options, (selector) => {
        const scores = selector.scoreMany(images, python.prompts);
        assertClose(scores, python.hps[torchvision], { rtol: 0, atol: 1e-5 });
      });
    });

  it('give the aesthetic mark, whatever the prompt, and no softmax of marks', () =>
    withSelector('aes', { weights: TINY_CLIP, mlp: AESTHETIC_HEAD }, (selector) => {
      assertClose(selector.score(images, 'a cat'), python.marks, { rtol: 0, atol: 1e-5 });
      assert.throws(() => selector.score(images, '', { softmax: true }), /"aes" marks each/);
    }));

  it("give PickScore's cosines and its shares of the choices", () =>
    withSelector('pickscore', { weights: TINY_CLIP }, (selector) => {
      const { prompt, cosines, shares } = python.shares;
      assertClose(selector.score(images, prompt), cosines, { rtol: 0, atol: 1e-5 });
      assertClose(selector.score(images, prompt, { softmax: true }), shares, { atol: 1e-5 });
    }));

  it("give ImageReward's with transformers' BLIP, texts of any length in any order", () =>
    withSelector('imagereward', { weights: IMAGE_REWARD_FOLDER }, (selector) => {
      const scores = selector.scoreMany(images, python.prompts);
      assertClose(scores, python.rewards, { rtol: 0, atol: 1e-5 });
      assert.throws(() => selector.score(images, '', { softmax: true }), /"imagereward" marks/);
    }));

  it('take what lies in a folder in the way of its layout', () =>
    withSelector(OPEN_CLIP_FOLDER, { processor: TINY_CLIP }, (selector) => {
      const scores = selector.scoreMany(images, python.prompts);
      assertClose(scores, python.clip, { rtol: 0, atol: 1e-5 });
    }));

  it('refuse a layout that is not theirs', async () => {
    for (const weights of [OPEN_CLIP_FOLDER, HPS_FILE])
      await assert.rejects(
        loadSelector('pickscore', { weights }),
        /: it is of OpenCLIP's layout; this scorer takes the folder of a CLIP in transformers'/,
      );
  });

  it('say what aes lacks', async () => {
    await assert.rejects(
      loadSelector('aes', { weights: TINY_CLIP }),
      /"aes" needs its head, .*: give mlp .* aesthetics_model\/sac\+logos\+ava1-l14-linearMSE\.pth/,
    );
  });
});
