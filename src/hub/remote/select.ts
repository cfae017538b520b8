/** Which files of a repository a model needs: of several sets of the same weights, one. */
import { posix } from 'node:path';
import type { JsonObject } from '../json-file';
import { HubError } from './hub-error';

/** Parts of a pipeline that draw nothing: a safety checker alone has 1.2 GB. */
const LEFT_OUT = ['safety_checker', 'image_encoder'];

/** Parts that are taken along where they are there. */
const OPTIONAL = ['feature_extractor'];

const WEIGHTS =
  /\.(safetensors|bin|ckpt|pt|pth|msgpack|h5|onnx|onnx_data|pb|gguf|tflite|mlmodel|npz|xml)$|\.index(\.[\w-]+)?\.json$/i;

/** Small files that say what a model is; not the pictures and texts around it. */
const DESCRIPTION = /\.(json|txt|model)$/i;

export interface Choice {
  /** A part of weight files' names, such as `fp16`, that is preferred. */
  readonly variant?: string | undefined;
  /** Parts of a pipeline whose weights are not needed, such as a denoiser that another takes the place of. */
  readonly without?: readonly string[] | undefined;
}

/**
 * Files of a diffusers pipeline, by its `model_index.json`: of each part its description and one set of weights.
 * @param names all files of the repository
 * @throws HubError where a part has no weights, or no part has the variant
 */
export function pipelineFiles(
  index: JsonObject,
  names: readonly string[],
  choice: Choice,
): string[] {
  const parts = Object.entries(index).flatMap(([part, value]) => (isPart(value) ? [part] : []));
  const { without = [] } = choice;
  const used = parts.filter((part) => !LEFT_OUT.includes(part));
  const files = used.flatMap((part) =>
    without.includes(part) ? descriptionFiles(part, names) : modelFiles(part, names, choice),
  );
  for (const part of used.filter((name) => ![...OPTIONAL, ...without].includes(name)))
    if (!files.some((file) => file.startsWith(`${part}/`)))
      throw missing(`no files of "${part}", which its model_index.json names`);
  for (const part of used.filter((name) => !without.includes(name)))
    if (files.includes(`${part}/config.json`) && !files.some((file) => isWeightOf(part, file)))
      throw missing(`no weights of "${part}"`);
  checkVariant(files, names, choice);
  return ['model_index.json', ...files];
}

/**
 * Files of one model's folder: its description and one set of weights; a folder without weights is taken whole.
 * @param folder of the repository; '' is its root
 */
export function modelFiles(folder: string, names: readonly string[], choice: Choice): string[] {
  return [...descriptionFiles(folder, names), ...weightSet(filesOf(folder, names), choice)];
}

const isWeightOf = (part: string, file: string): boolean =>
  posix.dirname(file) === part && WEIGHTS.test(file);

/** What says what a model is; not its weights. */
const descriptionFiles = (folder: string, names: readonly string[]): string[] =>
  filesOf(folder, names).filter((name) => DESCRIPTION.test(name) && !WEIGHTS.test(name));

const filesOf = (folder: string, names: readonly string[]): string[] =>
  names.filter((name) => (folder === '' ? '.' : folder) === posix.dirname(name));

/** @throws HubError where a variant was asked for that none of the chosen weights has */
export function checkVariant(
  chosen: readonly string[],
  names: readonly string[],
  { variant }: Choice,
): void {
  if (variant === undefined || chosen.some((name) => variantOf(name) === variant)) return;
  if (!chosen.some((name) => WEIGHTS.test(name))) return;
  const found = [...new Set(names.map(variantOf).filter((name) => name !== undefined))];
  const others = found.length > 0 ? `; it has ${found.sort().join(', ')}` : '';
  throw missing(`no weights of the variant "${variant}"${others}`);
}

/** As `openWeightFiles` looks for them: safetensors before pickles, the variant before the plain ones. */
function weightSet(inside: readonly string[], { variant }: Choice): string[] {
  const parts = variant === undefined ? ['', '.fp16'] : [`.${variant}`, ''];
  const stems = ['diffusion_pytorch_model', 'model', 'pytorch_model'];
  for (const ending of ['safetensors', 'bin'])
    for (const part of parts)
      for (const stem of stems) {
        const set = inside.filter((name) => isOfSet(posix.basename(name), stem, part, ending));
        if (set.length > 0) return withoutDoubles(set, `${stem}${part}.${ending}`);
      }
  return [];
}

/** One file of that name, or its shards and their index, whose name diffusers has changed once. */
function isOfSet(name: string, stem: string, part: string, ending: string): boolean {
  if (name === `${stem}${part}.${ending}`) return true;
  if (name === `${stem}${part}.${ending}.index.json`) return true;
  if (part !== '' && name === `${stem}.${ending}.index${part}.json`) return true;
  const [start, end] = [`${stem}${part}-`, `.${ending}`];
  if (!name.startsWith(start) || !name.endsWith(end)) return false;
  return /^\d{5}-of-\d{5}$/.test(name.slice(start.length, -end.length));
}

/** Where there are both one file and shards of it, the file. */
function withoutDoubles(set: readonly string[], whole: string): string[] {
  const file = set.find((name) => posix.basename(name) === whole);
  return file === undefined ? [...set] : [file];
}

function variantOf(path: string): string | undefined {
  const name = posix.basename(path).replace(/-\d{5}-of-\d{5}/, '');
  const [, part] = /^[\w-]+\.([\w-]+)\.(?:safetensors|bin)(?:\.index\.json)?$/.exec(name) ?? [];
  return part;
}

const isPart = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && typeof value[1] === 'string';

const missing = (what: string) => new HubError(`The repository has ${what}.`, undefined, 'missing');

/** Whether a name fits a pattern, in which `*` is anything within a folder and `**` anything. */
export function fits(name: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${source}$`).test(name);
}
