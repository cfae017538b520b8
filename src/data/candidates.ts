/**
 * Pictures drawn to be chosen between. A folder of them has an index, `candidates.jsonl`: first what they were drawn with,
 * then a line for each picture. Pictures of one prompt are paired: those of one seed by different models, or, of a single
 * model, each with each.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { record } from './entries';
import { type FileRow, fileTable } from './file-table';
import { pathInside } from './inside';
import type { Table } from './tables';

export const CANDIDATES = 'candidates.jsonl';

/** What all pictures of a folder were drawn with; a folder is gone on with only as it was begun. */
export interface CandidateSettings {
  /** SHA-256 of the prompts as JSON. */
  readonly prompts: string;
  readonly perPrompt: number;
  /** Of the first picture. */
  readonly seed: number;
  readonly models: readonly string[];
  /** Options of the drawing. */
  readonly drawing: Readonly<Record<string, unknown>>;
}

/** One picture. */
export interface Candidate {
  /** Relative to the index. */
  readonly file_name: string;
  readonly prompt: string;
  /** Position in the list of prompts, from 0. */
  readonly prompt_index: number;
  readonly model: string;
  /** The picture is that of `npm run sample --seed` with the same model, prompt and settings. */
  readonly seed: number;
}

export interface CandidateIndex {
  readonly settings: CandidateSettings;
  readonly candidates: readonly Candidate[];
  /** Bytes up to the end of the last whole line. */
  readonly bytes: number;
}

export const isCandidateFolder = (folder: string): boolean => existsSync(join(folder, CANDIDATES));

const MAX_INDEX = 2 ** 28;

/**
 * The index of a folder. A last line without its end is of a process that was killed while it wrote, and left out.
 *
 * @throws RangeError that names the line that is malformed.
 */
export function readCandidates(folder: string): CandidateIndex {
  const path = join(folder, CANDIDATES);
  const { size } = statSync(path);
  if (size > MAX_INDEX)
    throw new RangeError(`"${path}" has ${size} bytes; at most ${MAX_INDEX} are read.`);
  const content = readFileSync(path);
  const bytes = content.lastIndexOf(10) + 1;
  const [first, ...lines] = content.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1);
  const malformed = (line: number, why: string) =>
    new RangeError(`Line ${line} of "${path}" ${why}; draw the candidates into a new folder.`);
  const settings = objectOf(first);
  if (typeof settings?.prompts !== 'string' || !Array.isArray(settings.models))
    throw malformed(1, 'has no settings of a drawing');
  const candidates = lines.map((line, i) => {
    const candidate = objectOf(line);
    if (candidate && isCandidate(candidate, folder)) return candidate;
    throw malformed(i + 2, 'is no picture of this folder');
  });
  return { settings: settings as unknown as CandidateSettings, candidates, bytes };
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(line = ''): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' ? (value as Fields) : undefined;
  } catch {
    return undefined; // the caller says which line it is
  }
}

function isCandidate(fields: Fields, folder: string): fields is Fields & Candidate {
  const { file_name, prompt, prompt_index, model, seed } = fields;
  const texts = [file_name, prompt, model].every((value) => typeof value === 'string');
  const numbers = [prompt_index, seed].every((value) => Number.isSafeInteger(value));
  return texts && numbers && pathInside(folder, file_name as string) !== undefined;
}

/** Pairs of a folder of candidates, in the order of the prompts; which model drew which stands in `model_0`, `model_1`. */
export function candidateTable(folder: string): Table {
  const { settings, candidates } = readCandidates(folder);
  const rule = settings.models.length === 1 ? 'each with each' : 'models';
  const ofPrompt = new Map<number, Candidate[]>();
  for (const candidate of candidates) {
    const others = ofPrompt.get(candidate.prompt_index);
    if (others) others.push(candidate);
    else ofPrompt.set(candidate.prompt_index, [candidate]);
  }
  const prompts = [...ofPrompt].sort(([a], [b]) => a - b);
  const pairs = prompts.flatMap(([, pictures]) => pairsOf(pictures, rule));
  const rows = pairs.map(([a, b]): FileRow => {
    const models = { model_0: a.model, model_1: b.model };
    const uids = { image_0_uid: a.file_name, image_1_uid: b.file_name };
    const paths = [a, b].map(({ file_name }) => pathInside(folder, file_name));
    return {
      values: record(Object.entries({ caption: a.prompt, ...models, ...uids })),
      pictures: { jpg_0: paths[0], jpg_1: paths[1] },
    };
  });
  return fileTable({ place: join(folder, CANDIDATES), root: folder }, rows);
}

function pairsOf(
  pictures: readonly Candidate[],
  rule: 'each with each' | 'models',
): (readonly [Candidate, Candidate])[] {
  const belong = (a: Candidate, b: Candidate) =>
    rule === 'each with each' || (a.seed === b.seed && a.model !== b.model);
  return pictures.flatMap((a, i) =>
    pictures.slice(i + 1).flatMap((b) => (belong(a, b) ? [[a, b] as const] : [])),
  );
}

/** A folder's own path, for that of its index. */
export const candidateFolder = (path: string): string =>
  basename(path) === CANDIDATES ? dirname(path) : path;
