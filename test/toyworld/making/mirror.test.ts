import assert from 'node:assert/strict';
import type { RgbImage } from '../../../src/data/image';
import { TorchGenerator } from '../../../src/random';
import { captionOf, readCaption } from '../../../src/toyworld/captions';
import { Draws } from '../../../src/toyworld/draws';
import { judge, judgeMeaning, TERMS } from '../../../src/toyworld/judge';
import {
  drawMirrors,
  type Mirror,
  mirroredImage,
  mirroredMeaning,
  variedPair,
} from '../../../src/toyworld/making/mirror';
import { render } from '../../../src/toyworld/render';
import { allMeanings, cleanScene, type Meaning } from '../../../src/toyworld/scenes';
import { assertClose } from '../../support/assert';

const MIRRORS = ['horizontal', 'vertical', 'diagonal'] as const;
const LEFT_RING: Meaning = {
  colour: 'green',
  shape: 'ring',
  background: 'black',
  size: 'small',
  place: 'left',
};

describe('mirroredImage', () => {
  const image: RgbImage = {
    width: 2,
    height: 2,
    data: Uint8Array.from([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]),
  };
  const reds = ({ data }: RgbImage) => [0, 3, 6, 9].map((i) => data[i]);

  it('swaps sides, top and bottom, or rows and columns', () => {
    assert.deepEqual(reds(mirroredImage(image, 'horizontal')), [2, 1, 4, 3]);
    assert.deepEqual(reds(mirroredImage(image, 'vertical')), [3, 4, 1, 2]);
    assert.deepEqual(reds(mirroredImage(image, 'diagonal')), [1, 3, 2, 4]);
  });

  it('keeps colours and is undone by doing it again', () => {
    const drawing = render({ ...cleanScene(LEFT_RING), centre: [13, 14] });
    for (const mirror of MIRRORS) {
      const there = mirroredImage(drawing, mirror);
      assert.notDeepEqual(there, drawing, mirror);
      assert.deepEqual(mirroredImage(there, mirror), drawing, mirror);
    }
  });
});

describe('mirroredMeaning', () => {
  it('goes with the picture: the judge sees no difference', () => {
    const scene = { ...cleanScene(LEFT_RING), centre: [13, 14] as const, vividness: 0.5 };
    const before = judgeMeaning(render(scene), LEFT_RING);
    for (const mirror of MIRRORS) {
      const after = judgeMeaning(
        mirroredImage(render(scene), mirror),
        mirroredMeaning(LEFT_RING, mirror),
      );
      for (const term of TERMS)
        assertClose(after[term], before[term], { rtol: 1e-3, label: `${mirror} ${term}` });
    }
  });

  it('moves the place and nothing else', () => {
    const place = (mirror: Mirror) => mirroredMeaning(LEFT_RING, mirror).place;
    assert.deepEqual(MIRRORS.map(place), ['right', 'left', 'top']);
    assert.deepEqual({ ...mirroredMeaning(LEFT_RING, 'diagonal'), place: 'left' }, LEFT_RING);
  });
});

describe('drawMirrors', () => {
  it('never leads to a shape that is not drawn', () => {
    const draws = new Draws(new TorchGenerator(1));
    for (const meaning of allMeanings().filter((_, i) => i % 53 === 0)) {
      const mirrors = drawMirrors(meaning, draws);
      const image = mirrors.reduce(mirroredImage, render(cleanScene(meaning)));
      const judged = judgeMeaning(image, mirrors.reduce(mirroredMeaning, meaning));
      assert.ok(judged.shape > 0.9, `${captionOf(meaning)}, ${mirrors.join(' ')}`);
    }
  });
});

describe('variedPair', () => {
  const pair = {
    caption: captionOf(LEFT_RING),
    images: [
      render(cleanScene(LEFT_RING)),
      render({ ...cleanScene(LEFT_RING), vividness: 0.4 }),
    ] as const,
    label0: 1,
  };

  it('mirrors both pictures and the caption together and keeps the label', () => {
    const draws = new Draws(new TorchGenerator(2));
    const places = new Set<string>();
    for (let i = 0; i < 30; i++) {
      const { caption, images, label0 } = variedPair(pair, draws);
      const [first, second] = images.map((image) => judge(image, caption));
      places.add(readCaption(caption).place);
      assert.equal(label0, 1);
      assert.ok((first?.place ?? 0) > 0.9 && (second?.place ?? 0) > 0.9, caption);
      assert.ok((first?.vivid ?? 0) > (second?.vivid ?? 1), caption);
    }
    assert.deepEqual([...places].sort(), ['bottom', 'left', 'right', 'top']);
  });

  it('says the same in other words', () => {
    const draws = new Draws(new TorchGenerator(3));
    const captions = new Set(Array.from({ length: 20 }, () => variedPair(pair, draws).caption));
    assert.ok(captions.size > 10);
    for (const caption of captions)
      assert.deepEqual({ ...readCaption(caption), place: 'left' }, LEFT_RING);
  });
});
