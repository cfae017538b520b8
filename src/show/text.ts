/** Text of figures: escaping, numbers short enough to read, a font wherever the program runs. */
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML and SVG, in text and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** A whole number in full; another in at most `digits` significant digits, with an exponent only where it helps. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e12) return wholeNumber(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

/** With commas from five digits on: 1500, 3,708,356. */
const wholeNumber = (value: number) =>
  Math.abs(value) < 1e4 ? String(value) : value.toLocaleString('en-US');

/** Bytes as `512 B`, `1.5 kB`, `14.8 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${formatNumber(bytes / 1000 ** power, 3)} ${units[power]}`;
}

/** Seconds as `14 s`, `3:07` or `1:02:09`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const rest = two(whole % 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** Lines of at most `width` characters; a longer word has its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

let fontReady: Promise<unknown> | undefined;

/**
 * Machines without any font would draw boxes for letters. Drawing one letter from a font file
 * registers that file for the process, and SVG text then falls back on it.
 */
export function ensureFont(): Promise<unknown> {
  const fonts = join(dirname(require.resolve('katex/package.json')), 'dist', 'fonts');
  const fontfile = join(fonts, 'KaTeX_SansSerif-Regular.ttf');
  fontReady ??= sharp({ text: { text: 'x', font: 'KaTeX_SansSerif', fontfile } }).toBuffer();
  return fontReady;
}
