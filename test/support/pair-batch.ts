import type { PairBatch } from '../../src/training';
import { channelsLast, wave } from './wave';

/** Pairs of 16 × 16 pixels, all different, with empty prompts. */
export function pairBatch(pairs: number) {
  const shape = [2 * pairs, 3, 16, 16];
  return {
    pixelValues: channelsLast(wave(shape, 1), shape),
    pixelShape: [2 * pairs, 16, 16, 3],
    inputIds: new Int32Array(pairs * 77),
    captions: new Array<string>(pairs).fill(''),
  } as const satisfies PairBatch;
}
