import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { TorchGenerator } from '../../src/random';
import { drawCorpus } from '../../src/toyworld/corpus';
import { Draws } from '../../src/toyworld/draws';
import { see } from '../../src/toyworld/figure';
import { render } from '../../src/toyworld/render';
import {
  AREAS,
  allMeanings,
  BACKGROUND_NAMES,
  COLOUR_NAMES,
  cleanScene,
  drawMeaning,
  isHeldOut,
  sloppyScene,
} from '../../src/toyworld/scenes';
import { SHAPES, unitShape } from '../../src/toyworld/shapes';

const key = (meaning: object) => JSON.stringify(meaning);

describe('allMeanings', () => {
  it('holds at least 1,000 meanings, each once', () => {
    const meanings = allMeanings();
    assert.ok(meanings.length >= 1000);
    assert.equal(new Set(meanings.map(key)).size, meanings.length);
  });
});

describe('isHeldOut', () => {
  it('keeps whole combinations apart, about one in six', () => {
    const combination = ({ colour, shape, background }: ReturnType<typeof allMeanings>[number]) =>
      [colour, shape, background].join();
    const meanings = allMeanings();
    const held = new Set(meanings.filter(isHeldOut).map(combination));
    const trained = new Set(meanings.filter((m) => !isHeldOut(m)).map(combination));
    assert.ok([...held].every((c) => !trained.has(c)));
    assert.equal(held.size, 56); // of 8 · 7 · 6 = 336
  });

  it('leaves every colour, shape and background, and every two of them, in both splits or in training', () => {
    const trained = allMeanings().filter((m) => !isHeldOut(m));
    const pairs = new Set(
      trained.flatMap((m) => [
        `${m.colour} ${m.shape}`,
        `${m.colour} ${m.background}`,
        `${m.shape} ${m.background}`,
      ]),
    );
    assert.equal(pairs.size, 8 * 7 + 8 * 6 + 7 * 6);
  });
});

describe('drawMeaning', () => {
  it('stays within its split and reaches all of it', () => {
    const draws = new Draws(new TorchGenerator(4));
    const held = Array.from({ length: 3000 }, () => drawMeaning(draws, 'heldout'));
    assert.ok(held.every(isHeldOut));
    assert.equal(new Set(held.map((m) => m.colour)).size, COLOUR_NAMES.length);
    assert.equal(new Set(held.map((m) => m.shape)).size, SHAPES.length);
    assert.equal(new Set(held.map((m) => m.background)).size, BACKGROUND_NAMES.length);
    const trained = Array.from({ length: 300 }, () => drawMeaning(draws, 'train'));
    assert.ok(!trained.some(isHeldOut));
  });
});

describe('unitShape', () => {
  it('has area 1 and its centroid at the origin', () => {
    for (const shape of SHAPES) {
      const { inside } = unitShape(shape);
      let [count, u, v] = [0, 0, 0];
      for (let i = 0; i < 200; i++)
        for (let j = 0; j < 200; j++) {
          const [x, y] = [j / 100 - 0.995, i / 100 - 0.995];
          if (inside(x, y) <= 0) continue;
          count++;
          u += x;
          v += y;
        }
      assert.ok(Math.abs(count * 1e-4 - 1) < 0.02, `${shape}: area ${count * 1e-4}`);
      assert.ok(Math.hypot(u / count, v / count) < 0.01, `${shape}: centroid off`);
    }
  });
});

describe('render', () => {
  it('draws a clean figure of the meant area, whole', () => {
    for (const meaning of allMeanings().filter((m) => m.colour === 'red')) {
      const { figure } = see(render(cleanScene(meaning)));
      const area = figure?.area ?? 0;
      assert.ok(Math.abs(Math.log(area / AREAS[meaning.size])) < 0.2, `${key(meaning)}: ${area}`);
    }
  });

  it('draws the same pictures from the same seed, and others from another', () => {
    const hash = (seed: number) =>
      createHash('sha256')
        .update(drawCorpus(40, new TorchGenerator(seed)).bytes)
        .digest('hex');
    assert.equal(hash(7), hash(7));
    assert.notEqual(hash(7), hash(8));
  });

  it('moves and fades what a hurried hand draws, and mostly draws what was meant', () => {
    const draws = new Draws(new TorchGenerator(5));
    const scenes = Array.from({ length: 400 }, () =>
      sloppyScene(drawMeaning(draws, 'train'), draws),
    );
    const right = scenes.filter((s) => s.shape === s.meaning.shape).length;
    assert.ok(right > 370 && right < 400);
    assert.ok(scenes.some((s) => s.vividness < 0.4) && scenes.some((s) => s.blemishes.length > 2));
  });
});
