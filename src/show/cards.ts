/** Pictures on cards: one or more side by side, each under its label, with a caption below. */
import sharp, { type OverlayOptions, type Sharp } from 'sharp';
import type { RgbImage } from '../data/image';
import { enlarge } from '../data/transforms';
import { DISPLAY, type Displayable, type MimeBundle } from './notebook';
import { ensureFont, escapeHtml, wrap } from './text';
import { remark } from './theme';
import { dataUrl, reducedTo } from './thumbnail';

export interface Picture {
  readonly image: RgbImage;
  readonly label?: string;
}

export interface Card {
  readonly pictures: readonly Picture[];
  readonly caption?: string;
}

export interface CardOptions {
  /** Cards in a row. @default 4 */
  readonly columns?: number;
  /** Whole number by which pictures are enlarged. @default what makes them about 128 wide */
  readonly scale?: number;
  readonly title?: string;
}

/** A figure of pictures. As PNG it stands alone; in a page its captions are text. */
export interface PictureGrid extends Displayable {
  png(): Promise<Uint8Array>;
}

/** @throws RangeError when there is no picture to show. */
export function cardGrid(
  cards: readonly Card[],
  { columns = 4, scale, title }: CardOptions = {},
): PictureGrid {
  const first = cards[0]?.pictures[0]?.image;
  if (first === undefined) throw new RangeError('A grid needs at least one picture.');
  const factor = scale ?? scaleFor(first, 128);
  const large = cards.map((card) => ({
    ...card,
    pictures: card.pictures.map((p) => ({ ...p, image: enlarge(p.image, factor) })),
  }));
  return {
    png: async () => (await gridPicture(large, { columns, title })).png(PNG).toBuffer(),
    [DISPLAY]: () => gridBundle(large, { columns, title }),
  };
}

const PNG = { compressionLevel: 9 } as const;

/** Larger pictures are shown at this many pixels a side; `png()` has them in full. */
const MOST_SIDE = 256;

async function gridBundle(cards: readonly Card[], layout: Layout): Promise<MimeBundle> {
  const text = gridText(cards, layout.title);
  const isLarge = (p: Picture) => Math.max(p.image.width, p.image.height) > 2 * MOST_SIDE;
  if (!cards.some(({ pictures }) => pictures.some(isLarge))) {
    const png = await (await gridPicture(cards, layout)).png(PNG).toBuffer();
    const html = await gridHtml(cards, layout);
    return { 'text/html': html, 'image/png': png.toString('base64'), 'text/plain': text };
  }
  const small = await Promise.all(cards.map(reducedCard));
  const jpeg = await (await gridPicture(small, layout)).jpeg({ quality: 85 }).toBuffer();
  const html =
    (await gridHtml(small, layout)) + remark(`${MOST_SIDE} pixels a side; png() has all`);
  return { 'text/html': html, 'image/jpeg': jpeg.toString('base64'), 'text/plain': text };
}

async function reducedCard({ pictures, ...card }: Card): Promise<Card> {
  const small = pictures.map(async (picture) => {
    return { ...picture, image: await reducedTo(picture.image, MOST_SIDE) };
  });
  return { ...card, pictures: await Promise.all(small) };
}

type Layout = Pick<CardOptions, 'title'> & { readonly columns: number };

function gridText(cards: readonly Card[], title: string | undefined): string {
  const lines = cards.map(({ pictures, caption = '' }, i) => {
    const what = pictures.map(({ image, label }) => label ?? `${image.width}×${image.height}`);
    return `${i + 1}. ${caption} [${what.join(' | ')}]`;
  });
  return [...(title === undefined ? [] : [title]), ...lines].join('\n');
}

async function gridHtml(cards: readonly Card[], { columns, title }: Layout): Promise<string> {
  const figures = await Promise.all(cards.map(cardHtml));
  const heading = title === undefined ? '' : `<p><b>${escapeHtml(title)}</b></p>`;
  const grid = `display:grid;grid-template-columns:repeat(${columns},max-content);gap:14px 10px`;
  return `${heading}<div style="${grid}">${figures.join('')}</div>`;
}

async function cardHtml({ pictures, caption = '' }: Card): Promise<string> {
  const parts = await Promise.all(
    pictures.map(async ({ image, label = '' }) => {
      const url = await dataUrl(image);
      const alt = escapeHtml([caption, label].filter((text) => text !== '').join(', '));
      const size = `width="${image.width}" height="${image.height}"`;
      const img = `<img src="${url}" alt="${alt}" ${size} style="display:block">`;
      const below = label === '' ? '' : `<small>${escapeHtml(label)}</small>`;
      return `<span style="text-align:center">${img}${below}</span>`;
    }),
  );
  const width = pictures.reduce((sum, { image }) => sum + image.width + 6, -6);
  const row = `<span style="display:flex;gap:6px">${parts.join('')}</span>`;
  const text = caption === '' ? '' : `<figcaption>${escapeHtml(caption)}</figcaption>`;
  return `<figure style="margin:0;width:${width}px">${row}${text}</figure>`;
}

const GAP = 16;
const LINE = 16;

async function gridPicture(cards: readonly Card[], { columns, title }: Layout): Promise<Sharp> {
  await ensureFont();
  const inner = (card: Card) => card.pictures.reduce((sum, { image }) => sum + image.width + 6, -6);
  const width = Math.max(...cards.map(inner));
  const tall = Math.max(...cards.flatMap((c) => c.pictures.map((p) => p.image.height)));
  const captions = cards.map(({ caption = '' }) => wrap(caption, Math.floor(width / 6.6)));
  const lines = Math.max(...captions.map((caption) => caption.length));
  const labels = cards.some((card) => card.pictures.some((p) => p.label)) ? 1 : 0;
  const height = tall + (lines + labels) * LINE + (lines + labels > 0 ? 6 : 0);
  const top = GAP + (title === undefined ? 0 : LINE + 8);
  const texts: string[] = title === undefined ? [] : [svgText(GAP, GAP + 12, title, 'bold')];
  const layers: OverlayOptions[] = [];
  cards.forEach((card, i) => {
    let x = GAP + (i % columns) * (width + GAP);
    const y = top + Math.floor(i / columns) * (height + GAP);
    captions[i]?.forEach((line, n) => {
      texts.push(svgText(x, y + tall + (labels + n + 1) * LINE, line, 'normal'));
    });
    for (const { image, label } of card.pictures) {
      const raw = { width: image.width, height: image.height, channels: 3 as const };
      layers.push({ input: Buffer.from(image.data), raw, left: x, top: y });
      if (label !== undefined) texts.push(svgText(x, y + tall + LINE - 2, label, 'bold'));
      x += image.width + 6;
    }
  });
  const rows = Math.ceil(cards.length / columns);
  const total = {
    width: GAP + Math.min(columns, cards.length) * (width + GAP),
    height: top + rows * (height + GAP),
  };
  const root = `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}">`;
  const canvas = sharp({ create: { ...total, channels: 3, background: '#ffffff' } });
  const text = { input: Buffer.from(`${root}${texts.join('')}</svg>`), left: 0, top: 0 };
  return canvas.composite([...layers, text]);
}

function svgText(x: number, y: number, text: string, weight: 'bold' | 'normal'): string {
  const style = `font-family="sans-serif" font-size="12" font-weight="${weight}" fill="#222"`;
  return `<text x="${x}" y="${y}" ${style}>${escapeHtml(text)}</text>`;
}

/** The whole number that brings a picture closest to `target` pixels without passing it, or 1. */
function scaleFor({ width }: RgbImage, target: number): number {
  return Math.max(1, Math.floor(target / width));
}
