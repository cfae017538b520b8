import type { RgbImage } from '../data/image';

/** How much pictures differ from one another: a model that collapsed draws one picture for all prompts. */
export interface Variety {
  /** Standard deviation of a pixel's channel across pictures, averaged over the picture, in 0…255. */
  readonly pixelDeviation: number;
  /** Root mean square difference of two different pictures, averaged over neighbours in the list, in 0…255. */
  readonly pairDistance: number;
}

/** Throws RangeError for fewer than two pictures, or for pictures of different sizes. */
export function variety(images: readonly RgbImage[]): Variety {
  const [first] = images;
  const n = images.length;
  if (!first || n < 2) throw new RangeError(`Variety needs at least two pictures, got ${n}.`);
  const size = first.data.length;
  if (images.some(({ data }) => data.length !== size))
    throw new RangeError('Variety needs pictures of one size.');
  const sum = new Float64Array(size);
  const squares = new Float64Array(size);
  let distance = 0;
  images.forEach(({ data }, k) => {
    const next = (images[(k + 1) % n] ?? first).data;
    let square = 0;
    for (let i = 0; i < size; i++) {
      const value = data[i] ?? 0;
      sum[i] = (sum[i] ?? 0) + value;
      squares[i] = (squares[i] ?? 0) + value * value;
      square += (value - (next[i] ?? 0)) ** 2;
    }
    distance += Math.sqrt(square / size) / n;
  });
  let deviation = 0;
  for (let i = 0; i < size; i++) {
    const mean = (sum[i] ?? 0) / n;
    deviation += Math.sqrt(Math.max(0, (squares[i] ?? 0) / n - mean * mean));
  }
  return { pixelDeviation: deviation / size, pairDistance: distance };
}
