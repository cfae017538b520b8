/** Finds in a notebook's outputs what tells about the machine or the person that made them. */
import { homedir, hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { CellOutput, Notebook } from './notebook-file';

/** What must not be shown, beside what can be told by its form. */
export interface Private {
  readonly folders: readonly string[];
  /** Of users and hosts. */
  readonly names: readonly string[];
}

/** Names that are everywhere the same, and so tell nothing. */
const EVERYBODY = ['root', 'localhost'];

export function privateHere(): Private {
  const host = hostname();
  const names = [userInfo().username, host, host.split('.')[0] ?? ''];
  return { folders: [resolve(__dirname, '..', '..'), homedir()], names };
}

const FORMS: readonly (readonly [what: string, form: RegExp])[] = [
  ['an absolute path', /(?<![\w.:/<>*)\]}$#~-])\/[A-Za-z_][\w.@+-]*\/[\w.@+-]+|\bfile:\/\/\S+/],
  ['an absolute path', /\b[A-Za-z]:\\{1,2}\w[^\s"'<>]*/],
  ['a token', /\b(?:hf|ghp|gho|glpat|github_pat|sk|xox[abp])[_-][A-Za-z0-9_-]{16,}/],
  ['a token', /\bAKIA[A-Z0-9]{16}\b|\beyJ[\w-]{10,}\.[\w-]{10,}\.|\bBearer\s+[\w.~+/-]{16,}/],
  ['a password', /\b[a-z]+:\/\/[^\s/:@"']+:[^\s/@"']+@/i],
  ['an e-mail address', /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b/],
];

/**
 * A sentence for each output that shows such a thing. A name that the notebook's own text uses as a word is none here:
 * a user may be called `green`.
 */
export function secretsIn(notebook: Notebook, { folders, names }: Private): string[] {
  const lesson = notebook.cells.map(({ source }) => source).join('\n');
  const told = names.filter(
    (name) => name.length > 1 && !EVERYBODY.includes(name) && !hasWord(lesson, name),
  );
  return notebook.cells.flatMap((cell) =>
    (cell.cell_type === 'code' ? cell.outputs : []).flatMap((output) =>
      findings(textsOf(output).join('\n'), folders, told).map(
        ([what, found]) => `An output of cell ${cell.id} shows ${what}: ${found}`,
      ),
    ),
  );
}

function findings(text: string, folders: readonly string[], names: readonly string[]) {
  const forms = FORMS.flatMap(([what, form]) => {
    const [found] = text.match(form) ?? [];
    return found === undefined ? [] : [[what, found] as const];
  });
  const places = folders.filter((folder) => folder.length > 1 && text.includes(folder));
  const known = names.filter((name) => hasWord(text, name));
  return [
    ...forms,
    ...places.map((place) => ['a folder of this machine', place] as const),
    ...known.map((name) => ['the name of the user or the host', name] as const),
  ];
}

const hasWord = (text: string, word: string) =>
  new RegExp(`(?<![\\w-])${word.replace(/[^\w]/g, '\\$&')}(?![\\w-])`, 'i').test(text);

/** All text of an output. Pictures are bytes: what looks like a path there is chance. */
function textsOf(output: CellOutput): string[] {
  if (!('data' in output)) return texts(output);
  const readable = Object.entries(output.data).filter(([mime]) => !/^image\/(?!svg)/.test(mime));
  return texts([Object.fromEntries(readable), output.metadata]);
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value.replace(/\bbase64,[A-Za-z0-9+/=\s]+/g, '')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
}
