import type { RgbImage } from '../data/image';

/** Pictures of one size in rows, as near to a square as there are; places left over are white. */
export function pictureGrid(images: readonly RgbImage[]): RgbImage {
  const [{ width, height } = { width: 0, height: 0 }] = images;
  const columns = Math.ceil(Math.sqrt(images.length));
  const rows = Math.ceil(images.length / columns);
  const data = new Uint8Array(columns * width * rows * height * 3).fill(255);
  for (const [i, image] of images.entries()) {
    if (image.width !== width || image.height !== height)
      throw new RangeError(
        `Picture ${i} is ${image.width}×${image.height}, the first is ${width}×${height}.`,
      );
    const [row, column] = [Math.floor(i / columns), i % columns];
    for (let y = 0; y < height; y++) {
      const line = image.data.subarray(y * width * 3, (y + 1) * width * 3);
      data.set(line, ((row * height + y) * columns + column) * width * 3);
    }
  }
  return { width: columns * width, height: rows * height, data };
}
