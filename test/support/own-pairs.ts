/** Files of pairs made for a test: pictures by their grey value, texts as they are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodePng } from '../../src/data/image';

/** A PNG of one grey, 2 × 2 pixels or of another side. */
export const greyPng = (value: number, side = 2): Promise<Uint8Array> =>
  encodePng({ width: side, height: side, data: new Uint8Array(3 * side * side).fill(value) });

/** Writes pictures (numbers), texts and bytes below a folder, which is returned. */
export async function writeFiles(
  root: string,
  files: Readonly<Record<string, number | string | Uint8Array>>,
): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'number' ? await greyPng(content) : content);
  }
  return root;
}

export const jsonLines = (...rows: object[]): string =>
  `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;

/** A list of `count` pairs, all different: of pair i the first picture has the grey 2i, the second 2i + 1. */
export async function listOfPairs(root: string, count: number): Promise<string> {
  const rows = Array.from({ length: count }, (_, i) => ({
    ...{ prompt: `pair ${i}`, jpg_0: `${i}-a.png`, jpg_1: `${i}-b.png` },
    ...{ model_0: 'base', model_1: 'DPO' },
  }));
  const pictures = rows.flatMap(({ jpg_0, jpg_1 }, i): [string, number][] => [
    [jpg_0, (2 * i) % 256],
    [jpg_1, (2 * i + 1) % 256],
  ]);
  await writeFiles(root, { ...Object.fromEntries(pictures), 'pairs.jsonl': jsonLines(...rows) });
  return join(root, 'pairs.jsonl');
}
