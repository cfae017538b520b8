/** An 8-bit RGB picture and the files it lives in: decoded as Pillow decodes, refused where that is not possible. */
import sharp, { type Metadata } from 'sharp';
import { insertPngText } from './png-text';

/** 8-bit picture; `data` holds [height, width, 3] in row-major order, red first. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A picture file that is damaged, too large or of a kind we do not read. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
}

/** A picture that is not there at all. */
export class MissingPictureError extends PictureError {}

/** Largest picture, in pixels; a compressed bomb is refused before it is unpacked. */
export const MAX_PICTURE_PIXELS = 4096 * 4096;
/** Largest picture file, in bytes. */
export const MAX_PICTURE_BYTES = 20 * 2 ** 20;

/**
 * Decodes JPEG, PNG or WebP to what Pillow's `Image.open(…).convert('RGB')` gives: grey is
 * repeated, palettes are looked up, alpha is dropped, colour profiles and rotation tags are ignored.
 *
 * @throws PictureError if the file is none of the three, damaged, larger than the limits, CMYK, or has 16 bits a channel.
 */
export async function decodeImage(bytes: Uint8Array): Promise<RgbImage> {
  if (bytes.length > MAX_PICTURE_BYTES) {
    throw new PictureError(
      `The picture file has ${bytes.length} bytes; at most ${MAX_PICTURE_BYTES} are read.`,
    );
  }
  const format = pictureFormat(bytes);
  const picture = sharp(bytes, { ignoreIcc: true, limitInputPixels: MAX_PICTURE_PIXELS });
  try {
    refuseInexact(format, await picture.metadata());
    const { data, info } = await picture
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = info.channels === 3 ? data : repeatGrey(data);
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length),
    };
  } catch (error) {
    if (error instanceof PictureError) throw error;
    // libvips adds what other threads complained of at the time: on further lines, and behind sharp's own words.
    const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    const reason = line.replace(/^(Input \w+ has corrupt header):.*/, '$1');
    throw new PictureError(`The ${format} picture cannot be decoded: ${reason}`);
  }
}

/** Encodes as PNG, without loss; `text` entries are stored in the file (prompt, seed, settings). */
export async function encodePng(
  image: RgbImage,
  { text = {} }: { readonly text?: Readonly<Record<string, string>> } = {},
): Promise<Uint8Array> {
  return insertPngText(await raw(image).png().toBuffer(), text);
}

/** Encodes as JPEG with full-resolution colour (4:4:4). `quality` is 1 to 100. @default quality 95 */
export async function encodeJpeg(
  image: RgbImage,
  { quality = 95 }: { readonly quality?: number } = {},
): Promise<Uint8Array> {
  return await raw(image).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
}

function raw({ width, height, data }: RgbImage) {
  if (data.length !== width * height * 3) {
    throw new RangeError(`A ${width}×${height} RGB picture has not ${data.length} bytes.`);
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Told from the first bytes, so that no other decoder ever sees an untrusted file. */
function pictureFormat(bytes: Uint8Array): string {
  const ascii = (start: number, end: number) => String.fromCharCode(...bytes.subarray(start, end));
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'JPEG';
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'PNG';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'WebP';
  throw new PictureError('The picture file is not a JPEG, PNG or WebP.');
}

/** Pillow turns these into other pixels than libvips does, so they are not guessed at. */
function refuseInexact(format: string, { space, depth }: Metadata) {
  if (space === 'cmyk') {
    throw new PictureError(`The ${format} picture is CMYK; only RGB and grey pictures are read.`);
  }
  if (depth !== 'uchar') {
    throw new PictureError(`The ${format} picture has more than 8 bits a channel.`);
  }
}

function repeatGrey(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i] as number, i * 3, i * 3 + 3);
  return rgb;
}
