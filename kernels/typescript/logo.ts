/** Draws logo-64x64.png and logo-32x32.png, for front ends that show no SVG: `node --import tsx kernels/typescript/logo.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Edges in pixels, as the names of a kernel's files have them. */
export const LOGO_SIZES = [32, 64] as const;

export const logoFile = (size: number): string => join(__dirname, `logo-${size}x${size}.png`);

/** The drawing of logo-svg.svg as PNG, transparent around it. `size`: edge in pixels. */
export function drawLogo(size: number): Promise<Buffer> {
  const density = 72 * (size / 64); // the drawing is 64 wide at 72 dots per inch
  const drawing = sharp(join(__dirname, 'logo-svg.svg'), { density }).resize(size, size);
  return drawing.png({ compressionLevel: 9 }).toBuffer();
}

async function main(): Promise<void> {
  for (const size of LOGO_SIZES) writeFileSync(logoFile(size), await drawLogo(size));
}

if (require.main === module) void main();
