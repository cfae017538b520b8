/** Where the time of a piece of work went: one bar, as long as the work, cut into its operations. */
import sharp from 'sharp';
import type { Profile } from '../engine';
import { DISPLAY, type Displayable } from './notebook';
import { ensureFont, escapeHtml, formatNumber } from './text';

const WIDTH = 720;
const HEIGHT = 92;
const SIDE = 4;
const ROW = 40;

/** Warm for what takes most, as in a flame graph (Gregg 2016); grey for what no operation accounts for. */
const WARM = ['#D55E00', '#E0772B', '#E69F00', '#EDB947', '#F0D070', '#F3E0A0'] as const;
const OTHER = '#d9d9d9';

interface Share {
  readonly name: string;
  readonly milliseconds: number;
  readonly colour: string;
}

export interface CostBar extends Displayable {
  svg(): string;
}

/**
 * The dearest operations by name, the rest as one, and what is left of the whole as `JavaScript`.
 * Throws RangeError for `operations` below 1.
 */
export function costBar(
  { operations, milliseconds }: Omit<Profile<unknown>, 'value'>,
  {
    title = '',
    operations: most = 8,
  }: { readonly title?: string; readonly operations?: number } = {},
): CostBar {
  if (most < 1) throw new RangeError(`A bar of ${most} operations: expected 1 or more.`);
  const named = operations.slice(0, most).map(({ name, milliseconds: cost }, i) => {
    return { name, milliseconds: cost, colour: WARM[Math.min(i, WARM.length - 1)] ?? OTHER };
  });
  const cost = (parts: readonly { readonly milliseconds: number }[]) =>
    parts.reduce((sum, part) => sum + part.milliseconds, 0);
  const rest = cost(operations.slice(most));
  const outside = Math.max(0, milliseconds - cost(operations));
  const shares: Share[] = [
    ...named,
    { name: `${Math.max(0, operations.length - most)} others`, milliseconds: rest, colour: OTHER },
    { name: 'JavaScript', milliseconds: outside, colour: '#bbbbbb' },
  ].filter((share) => share.milliseconds > 0);
  const heading = `${title === '' ? '' : `${title}: `}${formatNumber(milliseconds, 3)} ms`;
  const svg = () => barSvg(heading, shares);
  return {
    svg,
    [DISPLAY]: async () => {
      await ensureFont();
      const png = await sharp(Buffer.from(svg())).png({ compressionLevel: 9 }).toBuffer();
      const lines = shares.map(
        (share) =>
          `${((100 * share.milliseconds) / cost(shares)).toFixed(1).padStart(5)} %  ${share.name}`,
      );
      return {
        'image/png': png.toString('base64'),
        'text/plain': [heading, ...lines].join('\n'),
      };
    },
  };
}

function barSvg(heading: string, shares: readonly Share[]): string {
  const total = shares.reduce((sum, share) => sum + share.milliseconds, 0) || 1;
  let x = SIDE;
  const pieces = shares.map(({ name, milliseconds, colour }) => {
    const width = (milliseconds / total) * (WIDTH - 2 * SIDE);
    const box = `<rect x="${x.toFixed(1)}" y="${ROW}" width="${Math.max(0, width - 1).toFixed(1)}" height="${ROW}" fill="${colour}"/>`;
    const label = labelIn(name, `${formatNumber(milliseconds, 2)} ms`, x + 5, width - 8);
    x += width;
    return box + label;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<g font-size="14" font-weight="bold"><text x="${SIDE}" y="26">${escapeHtml(heading)}</text></g>`,
    ...pieces,
    '</svg>',
  ].join('');
}

/** Two lines of text where the piece is wide enough for them, the name cut to what fits. */
function labelIn(name: string, cost: string, x: number, width: number): string {
  const room = Math.floor(width / 6.2);
  if (room < 4) return '';
  const short = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  const line = (y: number, words: string) =>
    `<text x="${x.toFixed(1)}" y="${y}">${escapeHtml(words)}</text>`;
  return line(ROW + 17, short) + (cost.length <= room ? line(ROW + 32, cost) : '');
}
