/** Pictures small enough to stand in a notebook file, as HTML. */
import sharp from 'sharp';
import { encodeJpeg, encodePng, type RgbImage } from '../data/image';
import { enlarge } from '../data/transforms';
import { escapeHtml } from './text';

export interface ThumbnailOptions {
  /** Longest side in the page, in pixels; a small picture is enlarged with crisp edges. @default 128 */
  readonly side?: number;
  /** What those read who do not see it. */
  readonly alt?: string;
}

/** A picture with no side longer than `side`; itself where it is small enough. */
export async function reducedTo(image: RgbImage, side: number): Promise<RgbImage> {
  const { width, height, data } = image;
  if (Math.max(width, height) <= side) return image;
  const shown = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: side, height: side, fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: shown.info.width, height: shown.info.height, data: new Uint8Array(shown.data) };
}

/** Size on the page: enlarged by a whole number where there is room. */
export function pageSize({ width, height }: RgbImage, side: number) {
  const longest = Math.max(width, height);
  const factor = longest > side ? side / longest : Math.max(1, Math.floor(side / longest));
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

/** A picture as it stands on a page. Edges are drawn here: a page that is not trusted would blur them. */
export async function fitted(image: RgbImage, side: number): Promise<RgbImage> {
  const small = await reducedTo(image, side);
  return small === image ? enlarge(image, pageSize(image, side).width / image.width) : small;
}

/** `<img>` with the picture in it. */
export async function thumbnail(
  image: RgbImage,
  { side = 128, alt = '' }: ThumbnailOptions = {},
): Promise<string> {
  const shown = await fitted(image, side);
  const { width, height } = pageSize(image, side);
  return `<img src="${await dataUrl(shown)}" alt="${escapeHtml(alt)}" width="${width}" height="${height}" style="display:block">`;
}

/** The picture in a URL: PNG, or JPEG where that is smaller, as it is of a photo. */
export async function dataUrl(image: RgbImage): Promise<string> {
  const png = await encodePng(image);
  if (Math.max(image.width, image.height) <= SHARP) return url('png', png);
  const jpeg = await encodeJpeg(image, { quality: 90 });
  return jpeg.length < png.length ? url('jpeg', jpeg) : url('png', png);
}

/** Of pictures up to this many pixels every edge is seen. */
const SHARP = 128;

const url = (type: 'png' | 'jpeg', bytes: Uint8Array) =>
  `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;
