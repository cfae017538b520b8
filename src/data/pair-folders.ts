/**
 * Pairs as two folders, `w/` of preferred pictures and `l/` of rejected ones, whose names are the same but for their
 * endings. What was asked for stands in `w/NAME.txt`, as trainers of adapters keep captions; where the folder has no such
 * file at all, the name tells it: `a_red_star-2.png` is "a red star".
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { record } from './entries';
import { type FileRow, fileTable } from './file-table';
import type { Table } from './tables';

const ENDINGS = new Set(['.png', '.jpg', '.jpeg', '.webp']);
/** A caption's file may have this many bytes. */
const MAX_CAPTION = 2 ** 16;

export function isPairFolder(root: string): boolean {
  return ['w', 'l'].every((name) =>
    statSync(join(root, name), { throwIfNoEntry: false })?.isDirectory(),
  );
}

/** Pairs sorted by name; one that only a folder has lacks the other picture. @throws RangeError that names the file */
export function pairFolders(root: string): Table {
  const [winners, losers] = [picturesIn(join(root, 'w')), picturesIn(join(root, 'l'))];
  const names = [...new Set([...winners.keys(), ...losers.keys()])].sort();
  if (names.length === 0) {
    throw new RangeError(`"${root}" has no picture (PNG, JPEG or WebP) in w/ or l/.`);
  }
  const inW = readdirSync(join(root, 'w'), { withFileTypes: true });
  const files = inW.filter((entry) => entry.isFile()); // a link could show any file as a caption
  const texts = new Set(files.map(({ name }) => name).filter((name) => name.endsWith('.txt')));
  const captionOf = (name: string) => {
    if (texts.size === 0) return captionOfName(name);
    return texts.has(`${name}.txt`) ? captionIn(join(root, 'w', `${name}.txt`)) : undefined;
  };
  const rows = names.map((name): FileRow => {
    const [first, second] = [winners.get(name), losers.get(name)];
    const uids = { image_0_uid: `w/${name}`, image_1_uid: `l/${name}` };
    return {
      values: record(Object.entries({ caption: captionOf(name), label_0: 1, ...uids })),
      pictures: { jpg_0: first, jpg_1: second },
    };
  });
  return fileTable({ place: root, root }, rows);
}

/** Paths by names without endings. */
function picturesIn(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(folder).sort()) {
    const ending = extname(file);
    if (!ENDINGS.has(ending.toLowerCase())) continue;
    const name = file.slice(0, -ending.length);
    const other = found.get(name);
    if (other !== undefined) {
      throw new RangeError(`"${other}" and "${join(folder, file)}" have one name; keep one.`);
    }
    found.set(name, join(folder, file));
  }
  return found;
}

const captionOfName = (name: string) => name.replace(/[-_ ]\d+$/, '').replaceAll('_', ' ');

function captionIn(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_CAPTION) {
    throw new RangeError(`"${path}" has ${size} bytes; a caption may have ${MAX_CAPTION} at most.`);
  }
  return readFileSync(path, 'utf8').trim();
}
