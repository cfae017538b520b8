import assert from 'node:assert/strict';
import { render } from '../../src/toyworld/render';
import { cleanScene } from '../../src/toyworld/scenes';
import { SHAPES } from '../../src/toyworld/shapes';

const meaning = {
  colour: 'red',
  background: 'white',
  size: 'large',
  place: 'centre',
  shape: 'square',
} as const;

/** Sum of absolute differences of two pictures. */
const distance = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0);

describe('a drifted outline', () => {
  const square = cleanScene(meaning);
  const drifted = (share: number) =>
    render({ ...square, drift: { shape: 'triangle', share } }).data;

  it('is the shape itself at the start and the other one at the end', () => {
    assert.deepEqual(drifted(0), render(square).data);
    assert.deepEqual(drifted(1), render({ ...square, shape: 'triangle' }).data);
  });

  it('goes farther from the shape with every part of the way', () => {
    const away = [0.2, 0.5, 0.8, 1].map((share) => distance(drifted(share), render(square).data));
    assert.deepEqual(
      away,
      [...away].sort((a, b) => a - b),
    );
    assert.ok((away[0] ?? 0) > 0);
  });

  it('is drawn whole for every pair of shapes', () => {
    for (const shape of SHAPES)
      for (const other of SHAPES) {
        const half = { ...square, shape, drift: { shape: other, share: 0.5 } };
        assert.ok(
          render(half).data.some((value) => value < 200),
          `${shape} to ${other}`,
        );
      }
  });
});
